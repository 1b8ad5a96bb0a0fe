"""Measured minus paper, recipes side by side, and the table of an unfinished run."""

import math

import numpy as np
import pytest

from sdd.analysis.partial_table1 import measured_tables
from sdd.errors import InputError
from sdd.presentation.tables import (
    arrange_differences,
    arrange_recipes,
    assemble_table,
    join_recipes,
    read_table,
    subtract_paper,
)
from sdd.presentation.tables.arrangement import MISSING
from sdd.runtime.csv_rows import write_rows
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
    intervals = {("xlsr_2b", "post", "sft", "itw"): (17.0, 20.5)}
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


def test_differences_are_shown_with_sign_interval_and_colour():
    intervals = {("xlsr_2b", "post", "sft", "itw"): (5.0, 20.5)}
    table = table_of(0)
    layout = arrange_differences(table, subtract_paper(table, PAPER, intervals))
    none, sft, own = layout.rows
    assert (sft.cells[9].text, sft.cells[9].small) == ("+11.65", "[−1.35, +14.15]")
    red, green, blue = sft.cells[9].colour
    assert red > green > blue
    assert none.cells[0].text == "−17.73"
    assert none.cells[0].colour[2] > none.cells[0].colour[0]
    assert {cell.text for cell in own.cells} == {MISSING}
    assert "dash" in layout.legend
    assert "No row and column" not in layout.legend
    alone = table_of(0, [("own", "post", "sft")])
    legend = arrange_differences(alone, subtract_paper(alone, PAPER, {})).legend
    assert "No row and column of this table is both measured and in the paper" in legend


def test_the_paper_minus_itself_is_nothing():
    rows = subtract_paper(PAPER, PAPER, {})
    assert len(rows) == 220
    assert {row["difference"] for row in rows} == {0}


def test_recipes_stand_below_each_other():
    tables = {"as_written": table_of(0), "as_released": table_of(1)}
    joined = join_recipes(tables)
    assert joined["recipe"].tolist() == ["as_written", "as_released"] * 3
    assert joined["row"].tolist() == [1, 1, 2, 2, 3, 3]
    assert joined["itw"].tolist() == [18, 19] * 3
    layout = arrange_recipes(tables, PAPER)
    assert [row.algorithm for row in layout.rows[2:4]] == ["SFT, as written", "SFT, as released"]
    texts = [(row.cells[9].text, row.cells[9].small) for row in layout.rows]
    assert texts == [("18.00", "1.24"), ("19.00", "1.24"), ("18.00", "6.35"), ("19.00", "6.35"),
                     ("18.00", ""), ("19.00", "")]  # fmt: skip
    with pytest.raises(InputError, match="recipe as_released has other rows"):
        join_recipes({"as_written": table_of(0), "as_released": table_of(0, ROWS[:2])})


def test_an_unfinished_run_shows_what_there_is(tmp_path):
    layout = {
        "rows": ROWS,
        "in_domain": ["dfe24_4s"],
        "out_of_domain": ["itw"],
        "cells": [f"{'/'.join(row)}/round{n}" for row in ROWS for n in (1, 2)],
        "recipes": ["as_written", "as_released"],
    }
    with pytest.raises(InputError, match=r"none of the 6 cells .*post/none/round1/eer\.csv"):
        measured_tables(tmp_path, layout)
    for number, eer in ((1, 4.0), (2, 6.0)):
        folder = tmp_path / f"as_written/xlsr_2b/post/sft/round{number}"
        folder.mkdir(parents=True)
        rows = [{"test_set": name, "eer_percent": eer} for name in ("dfe24_4s", "itw")]
        write_rows(folder / "eer.csv", rows)
    tables, counts = measured_tables(tmp_path, layout)
    assert counts == {"as_written": "2 of 6 cells measured"}
    values = tables["as_written"][["dfe24_4s", "itw"]].to_numpy()
    assert values[1].tolist() == [5, 5]
    assert np.isnan(values[[0, 2]]).all()
