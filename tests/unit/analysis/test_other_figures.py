"""Figures of others: the file as it is, and beside the cells of a table."""

import csv
import math

import pytest

from sdd.analysis.other_figures import beside_table, read_other_figures
from sdd.analysis.table1 import assemble_table, read_table
from sdd.errors import InputError
from sdd.presentation.report.others import others_table
from tests.helpers.paths import CHECKOUT

PATH = CHECKOUT / "resources/other_figures.csv"
PAPER = CHECKOUT / "resources/table1.csv"


def test_every_figure_is_of_a_cell_of_the_paper_and_has_a_source():
    figures, paper = read_other_figures(PATH), read_table(PAPER)
    found = beside_table(figures, paper, paper)
    assert len(found) == len(figures) == 36
    for one in found:
        assert one.other.source
        assert one.other.url.startswith("https://")
        assert one.paper == one.measured
        # Other trainings, other files: not the same, and not of another kind.
        assert one.other.eer == pytest.approx(one.paper, rel=1.3, abs=0.1)
    # Zero-shot figures of the same team are nearly the paper's: 1.35 and 1.51 differ most.
    for one in found:
        if one.other.source.endswith("zero-shot"):
            assert one.other.eer == pytest.approx(one.paper, abs=0.2)
    assert len({(one.other.identity, one.other.test_set, one.other.source) for one in found}) == 36


def test_beside_a_table_of_some_of_the_cells():
    rows = [("mms_1b", "post", "none"), ("mine", "post", "none")]
    cells = [("mms_1b", "post", "none", 1, "itw", 2.5), ("mine", "post", "none", 1, "itw", 9.0)]
    table = assemble_table(cells, rows, ["dfe24_4s"], ["itw"])
    found = beside_table(read_other_figures(PATH), table, read_table(PAPER))
    assert [(one.other.eer, one.measured, one.paper) for one in found] == [
        (1.82, 2.5, 1.82),
        (3.30, 2.5, 1.82),
    ]
    shown = others_table(found, {"itw": "In-the-Wild"})
    assert shown.columns == ("row", "test set", "here", "paper", "others", "whose")
    assert shown.rows[1][:5] == ("MMS-1B / post / not fine-tuned", "In-the-Wild", "2.50", "1.82",
                                 "3.30")  # fmt: skip
    assert shown.rows[1][5].startswith("Speech Anti-Spoofing Arena, 31,779 files, https://")
    assert beside_table(read_other_figures(PATH), table.iloc[1:], read_table(PAPER)) == []


def test_what_the_paper_does_not_have(tmp_path):
    with PATH.open(newline="") as file:
        rows = list(csv.DictReader(file))
    path = tmp_path / "a.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerow(rows[0] | {"model": "mine"})
    table = assemble_table([], [("mine", "post", "sft")], ["dfe24_4s"], ["itw"])
    [one] = beside_table(read_other_figures(path), table, read_table(PAPER))
    assert math.isnan(one.measured)
    assert math.isnan(one.paper)


def test_a_figure_that_is_none(tmp_path):
    path = tmp_path / "a.csv"
    head, first, *_ = PATH.read_text().splitlines()
    path.write_text(f"{head}\n{first.replace('12.14', 'low')}\n")
    with pytest.raises(InputError, match=r"a\.csv, row 2: eer_percent is 'low'"):
        read_other_figures(path)
    path.write_text("model,init\nx,y\n")
    with pytest.raises(InputError, match=r"a\.csv has no column algorithm"):
        read_other_figures(path)
