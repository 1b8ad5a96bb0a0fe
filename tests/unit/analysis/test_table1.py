"""Tables: averages, CSV, and values beside the paper's."""

import math

import numpy as np
import pandas as pd
import pytest

from sdd.analysis.table1 import (
    assemble_table,
    domain_columns,
    paper_values,
    read_table,
    value_columns,
    write_csv,
)
from sdd.errors import InputError
from tests.helpers.paths import RESOURCES

ROWS = [("tiny", "post", "none"), ("tiny", "post", "sft"), ("tiny", "pre", "my_way")]
# Two rounds of sft; my_way lacks the test set b.
CELLS = [
    ("tiny", "post", "none", 1, "a", 40.0),
    ("tiny", "post", "none", 1, "b", 20.0),
    ("tiny", "post", "none", 1, "c", 7.0),
    ("tiny", "post", "sft", 1, "a", 10.0),
    ("tiny", "post", "sft", 2, "a", 13.0),
    ("tiny", "post", "sft", 1, "b", 5.0),
    ("tiny", "post", "sft", 2, "b", 6.0),
    ("tiny", "post", "sft", 2, "c", 9.0),
    ("tiny", "pre", "my_way", 1, "a", 0.0),
    ("tiny", "pre", "my_way", 1, "c", 50.0),
    ("another", "post", "sft", 1, "a", 99.0),
    ("tiny", "post", "sft", 1, "elsewhere", 99.0),
]


@pytest.fixture(scope="module")
def paper():
    return read_table(RESOURCES / "table1.csv")


@pytest.fixture
def table():
    return assemble_table(CELLS, ROWS, ["a", "b"], ["c"])


def cells_of(table):
    """Turn a table back into the cells of one round."""
    return [
        (line["model"], line["init"], line["algorithm"], 1, name, line[name])
        for _, line in table.iterrows()
        for names in domain_columns(table)
        for name in names
    ]


# Assembly


def test_means_over_rounds_and_domains_by_hand(table):
    assert list(table.columns) == [
        "row", "model", "init", "algorithm", "a", "b", "in_domain_avg", "c", "out_of_domain_avg",
    ]  # fmt: skip
    assert table["row"].tolist() == [1, 2, 3]
    assert list(zip(table["model"], table["init"], table["algorithm"], strict=True)) == ROWS
    np.testing.assert_array_equal(
        table.iloc[:, 4:].to_numpy(float),
        # Only one round of sft has been measured on c; the average over a and a missing b is none.
        [[40, 20, 30, 7, 7], [11.5, 5.5, 8.5, 9, 9], [0, math.nan, math.nan, 50, 50]],
    )


def test_three_rounds_are_averaged_by_their_mean():
    row = ("m", "post", "sft")
    cells = [(*row, number, "a", value) for number, value in enumerate((1.0, 2.0, 9.0), start=1)]
    assert assemble_table(cells, [row], ["a"], []).loc[0, "a"] == 4


def test_frame_and_tuples_and_any_order_give_the_same(table):
    frame = pd.DataFrame(
        CELLS[::-1], columns=["model", "init", "algorithm", "round", "test_set", "eer_percent"]
    )
    pd.testing.assert_frame_equal(assemble_table(frame, ROWS, ["a", "b"], ["c"]), table)


def test_nothing_measured_is_missing_not_zero():
    table = assemble_table([], ROWS, ["a"], ["b"])
    assert table.iloc[:, 4:].isna().all().all()


def test_round_that_is_nan_counts_as_not_measured():
    row = ("m", "post", "sft")
    table = assemble_table([(*row, 1, "a", math.nan), (*row, 2, "a", 8.0)], [row], ["a"], [])
    assert table.loc[0, "a"] == 8
    assert math.isnan(table.loc[0, "out_of_domain_avg"])


def test_averages_of_the_papers_numbers_are_the_papers(paper):
    rows = list(zip(paper["model"], paper["init"], paper["algorithm"], strict=True))
    made = assemble_table(cells_of(paper), rows, *domain_columns(paper))
    assert list(made.columns) == list(paper.columns)
    assert len(made) == 20
    for column in made.columns[4:]:
        assert made[column].to_numpy() == pytest.approx(paper[column].to_numpy(), abs=0.01 + 1e-9)


@pytest.mark.parametrize(
    ("cells", "rows", "sets", "message"),
    [
        ([*CELLS, CELLS[3]], ROWS, ["a"], "tiny, post, sft, round 1, a is given twice"),
        (CELLS, [*ROWS, ROWS[0]], ["a"], "The row tiny, post, none is given twice"),
        (CELLS, ROWS, ["a", "a"], "The test set a is given twice"),
        (CELLS, ROWS, ["row"], "cannot be called 'row'"),
        (
            [(*ROWS[0], 1, "a", 100.5)],
            ROWS,
            ["a"],
            r"EER of tiny, post, none, round 1, a is 100\.5",
        ),
        ([(*ROWS[0], 1, "a", -1)], ROWS, ["a"], "must lie within 0 and 100"),
        (pd.DataFrame({"model": []}), ROWS, ["a"], "lack the column init, algorithm, round"),
    ],
)
def test_bad_cells_are_named(cells, rows, sets, message):
    with pytest.raises(InputError, match=message):
        assemble_table(cells, rows, sets, [])


# CSV


def test_csv_comes_back_as_it_was_written(table, tmp_path):
    table.loc[0, "a"] = 1 / 3
    table.loc[1, "model"] = "NA"
    write_csv(table, tmp_path / "table.csv")
    again = read_table(tmp_path / "table.csv")
    assert again.loc[0, "a"] == 1 / 3
    assert again.loc[0, "algorithm"] == "none"
    assert again.loc[1, "model"] == "NA"
    pd.testing.assert_frame_equal(again, table, check_dtype=False)
    line = (tmp_path / "table.csv").read_text().splitlines()[3]
    assert line == "3,tiny,pre,my_way,0.0,,,50.0,50.0"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("row,model,init,algorithm,a,in_domain_avg\n", "are not those of a table"),
        ("model,a\n", "are not those of a table"),
        (
            "row,model,init,algorithm,a,in_domain_avg,out_of_domain_avg\n1,m,post,sft,x,1,1\n",
            r"table.csv, line 2: a is 'x', not a number",
        ),
        (
            "row,model,init,algorithm,a,in_domain_avg,out_of_domain_avg\n,m,post,sft,1,1,1\n",
            "no number in the column `row`",
        ),
    ],
)
def test_bad_csv_is_named(text, message, tmp_path):
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_table(tmp_path / "table.csv")


# Beside the paper


def test_values_beside_the_measured_ones_by_hand(paper):
    measured = paper.copy()
    measured["itw"] += 0.5
    measured.loc[3, "dv"] = math.nan
    columns = value_columns(measured)
    difference = measured[columns] - paper_values(measured, paper)[columns]
    assert difference["itw"].to_numpy() == pytest.approx(np.full(20, 0.5))
    assert difference["add23"].to_numpy() == pytest.approx(np.zeros(20))
    assert math.isnan(difference.loc[3, "dv"])
    assert paper_values(measured, paper)["row"].tolist() == list(range(1, 21))


def test_rows_match_by_identity_not_by_place(paper):
    measured = paper.iloc[[9, 2]].reset_index(drop=True).assign(row=[1, 2])
    beside = paper_values(measured, paper)
    assert beside["for"].tolist() == [29.83, 0.65]


def test_average_over_other_test_sets_is_not_compared(paper):
    rows = [("xlsr_2b", "post", "sft"), ("mine", "post", "sft")]
    table = assemble_table([], rows, domain_columns(paper)[0], ["itw", "mine"])
    beside = paper_values(table, paper)
    assert beside.loc[0, "in_domain_avg"] == 10.26
    assert beside.loc[0, "itw"] == 6.35
    assert math.isnan(beside.loc[0, "mine"])
    assert math.isnan(beside.loc[0, "out_of_domain_avg"])
    assert beside.iloc[1, 4:].isna().all()


def test_paper_with_a_row_twice_is_refused(table, paper):
    with pytest.raises(InputError, match="xlsr_2b, post, none is given twice"):
        paper_values(table, pd.concat([paper, paper.head(1)]))
