"""Files of the tables of several recipes, and of an unfinished run."""

import csv

import pytest

from sdd.errors import InputError
from sdd.experiment import tree
from sdd.presentation.tables.recipe_tables import write_partial_tables, write_recipes
from sdd.runtime.csv_rows import write_rows
from tests.helpers.paths import RESOURCES
from tests.unit.analysis.test_table1_differences import IN, OUT, ROWS, table_of

PAPER = RESOURCES / "table1.csv"
CONTENTS = {
    "rows": ROWS,
    "in_domain": IN,
    "out_of_domain": OUT,
    "labels": {"own": "Mine"},
    "group_titles": ("In", "Out"),
    "title": "Table & more",
    "notes": ["A note."],
    "cells": [f"{'/'.join(row)}/round1" for row in ROWS],
    "recipes": ["as_written", "as_released"],
}


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_recipes_are_written_in_all_formats(tmp_path):
    names = {"csv": "r.csv", "tex": "r.tex", "html": "r.html"}
    write_recipes(
        {"as_written": table_of(0), "as_released": table_of(1)},
        PAPER,
        CONTENTS,
        images=[tmp_path / "r.png", tmp_path / "r.pdf"],
        **{kind: tmp_path / name for kind, name in names.items()},
    )
    rows = read(tmp_path / "r.csv")
    assert [row["recipe"] for row in rows] == ["as_written", "as_released"] * 3
    assert [float(row["itw"]) for row in rows] == [18, 19] * 3
    assert len(list(tmp_path.iterdir())) == 5
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    for words in ("Table &amp; more: recipes side by side", "SFT, as released", "Mine", "A note."):
        assert words in page


def test_what_has_been_measured_is_written(tmp_path, capsys):
    """One recipe, then two: only then is there a table side by side."""
    with pytest.raises(InputError, match="none of the 3 cells"):
        write_partial_tables(tmp_path, PAPER, CONTENTS)
    rows = [{"test_set": name, "eer_percent": 7.0} for name in [*IN, *OUT]]
    side_by_side = tree.path(f"{tree.PARTIAL_RECIPES}.html", tmp_path)
    for number, recipe in enumerate(CONTENTS["recipes"], start=1):
        eer = tree.path(tree.EER, tmp_path, recipe=recipe, cell=CONTENTS["cells"][1])
        eer.parent.mkdir(parents=True)
        write_rows(eer, rows)
        write_partial_tables(tmp_path, PAPER, CONTENTS)
        table = tree.path(f"{tree.PARTIAL_TABLE1}.csv", tmp_path, recipe=recipe)
        assert [row["itw"] for row in read(table)] == ["", "7.0", ""]
        told = capsys.readouterr().err.splitlines()
        assert f"{table.with_suffix('.html')}: 1 of 3 cells measured" in told
        assert side_by_side.exists() == (number == 2)
    assert told[-1] == str(side_by_side)
