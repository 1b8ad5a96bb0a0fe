"""How differences from the paper, and recipes side by side, are shown."""

import math

from sdd.analysis.table1_differences import subtract_paper
from sdd.metrics.estimates import Estimate
from sdd.presentation.tables.arrangement import MISSING
from sdd.presentation.tables.difference_arrangement import arrange_differences, arrange_recipes
from tests.unit.analysis.test_table1_differences import PAPER, table_of


def test_differences_are_shown_with_sign_interval_and_colour():
    intervals = {("xlsr_2b", "post", "sft", "itw"): Estimate(18.0, 5.0, 20.5)}
    table = table_of(0)
    arranged = arrange_differences(table, subtract_paper(table, PAPER, intervals))
    none, sft, own = arranged.rows
    assert (sft.cells[9].text, sft.cells[9].small) == ("+11.65", "[−1.35, +14.15]")
    red, green, blue = sft.cells[9].colour
    assert red > green > blue
    assert none.cells[0].text == "−17.73"
    assert none.cells[0].colour[2] > none.cells[0].colour[0]
    # What the paper lacks is not what was not measured.
    assert {(cell.text, cell.small) for cell in own.cells} == {("", "not in\nthe paper")}
    assert "dash" not in arranged.legend
    table.loc[1, "itw"] = math.nan
    arranged = arrange_differences(table, subtract_paper(table, PAPER, {}))
    assert arranged.rows[1].cells[9].text == MISSING
    assert "dash" in arranged.legend


def test_a_difference_that_rounds_to_zero_has_no_sign():
    table = table_of(0)
    row = PAPER[(PAPER["model"] == "xlsr_2b") & (PAPER["algorithm"] == "sft")].iloc[0]
    table.loc[1, "itw"] = row["itw"] - 0.001
    intervals = {("xlsr_2b", "post", "sft", "itw"): Estimate(6.35, 6.346, 6.36)}
    arranged = arrange_differences(table, subtract_paper(table, PAPER, intervals))
    cell = arranged.rows[1].cells[9]
    assert (cell.text, cell.small) == ("0.00", "[0.00, +0.01]")


def test_recipes_stand_below_each_other():
    tables = {"as_written": table_of(0), "as_released": table_of(1)}
    arranged = arrange_recipes(tables, PAPER)
    assert [row.algorithm for row in arranged.rows[2:4]] == ["SFT, as written", "SFT, as released"]
    texts = [(row.cells[9].text, row.cells[9].small) for row in arranged.rows]
    assert texts == [("18.00", "1.24"), ("19.00", "1.24"), ("18.00", "6.35"), ("19.00", "6.35"),
                     ("18.00", ""), ("19.00", "")]  # fmt: skip
