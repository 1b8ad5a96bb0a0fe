"""Measured minus paper, and the tables of recipes in one."""

import math

import pytest

from sdd.analysis.table1 import assemble_table, read_table
from sdd.analysis.table1_differences import join_recipes, read_intervals, subtract_paper
from sdd.errors import InputError
from sdd.metrics.estimates import Estimate
from tests.helpers.paths import RESOURCES

PAPER = read_table(RESOURCES / "table1.csv")
ROWS = [("xlsr_2b", "post", "none"), ("xlsr_2b", "post", "sft"), ("own", "post", "sft")]
IN = ["dfe24_4s", "dfe24_10s", "dfe24_13s", "dfe24_30s", "dfe24_50s"]
OUT = ["add23", "for", "dv", "itw"]


def table_of(shift, rows=ROWS):
    cells = [
        (*row, 1, name, 10.0 + shift + n) for row in rows for n, name in enumerate([*IN, *OUT])
    ]
    return assemble_table(cells, rows, IN, OUT)


def test_differences_by_hand():
    intervals = {("xlsr_2b", "post", "sft", "itw"): Estimate(18.0, 17.0, 20.5)}
    rows = subtract_paper(table_of(0), PAPER, intervals)
    assert len(rows) == 3 * 11
    found = {(row["row"], row["column"]): row for row in rows}
    sft = found[2, "itw"]
    # 10 + 8 measured, 6.35 printed.
    assert (sft["eer_percent"], sft["paper"]) == (18, 6.35)
    assert sft["difference"] == pytest.approx(11.65)
    assert (sft["difference_low"], sft["difference_high"]) == pytest.approx((10.65, 14.15))
    assert found[1, "in_domain_avg"]["difference"] == pytest.approx(12 - 22.64)
    assert math.isnan(found[1, "itw"]["difference_low"])
    assert math.isnan(found[3, "itw"]["difference"])


def test_intervals_are_read_by_row_and_set(tmp_path):
    path = tmp_path / "intervals.csv"
    path.write_text(
        "model,init,algorithm,test_set,eer_percent,low,high,rounds,sources\n"
        "none,post,sft,itw,11.5,7.25,15.0,1,9\n"
        "none,post,sft,dv,3.0,nan,nan,1,1\n"
    )
    intervals = read_intervals(path)
    assert list(intervals) == [("none", "post", "sft", name) for name in ("itw", "dv")]
    known = intervals["none", "post", "sft", "itw"]
    assert (known.value, known.low, known.high) == (11.5, 7.25, 15.0)
    unknown = intervals["none", "post", "sft", "dv"]
    assert unknown.value == 3
    assert math.isnan(unknown.low)
    assert math.isnan(unknown.high)


def test_the_paper_minus_itself_is_nothing():
    rows = subtract_paper(PAPER, PAPER, {})
    assert len(rows) == 220
    assert {row["difference"] for row in rows} == {0}


def test_recipes_are_joined_row_by_row():
    tables = {"as_written": table_of(0), "as_released": table_of(1)}
    joined = join_recipes(tables)
    assert joined["recipe"].tolist() == ["as_written", "as_released"] * 3
    assert joined["row"].tolist() == [1, 1, 2, 2, 3, 3]
    assert joined["itw"].tolist() == [18, 19] * 3
    with pytest.raises(InputError, match="recipe as_released has other rows"):
        join_recipes({"as_written": table_of(0), "as_released": table_of(0, ROWS[:2])})


def test_nothing_of_the_table_is_in_the_paper():
    with pytest.raises(InputError, match="rows own post sft has a test set in the paper"):
        subtract_paper(table_of(0, [("own", "post", "sft")]), PAPER, {})
