"""Shades, names and the arrangement of Table 1."""

import math

import numpy as np
import pandas as pd
import pytest

from sdd.analysis.table1 import assemble_table, read_table
from sdd.presentation.tables.arrangement import arrange, grey, text_is_white
from tests.helpers.paths import RESOURCES
from tests.unit.analysis.test_table1 import CELLS, ROWS


@pytest.fixture(scope="module")
def paper():
    return read_table(RESOURCES / "table1.csv")


@pytest.fixture
def table():
    return assemble_table(CELLS, ROWS, ["a", "b"], ["c"])


def test_shades_are_the_papers():
    pairs = pd.read_csv(RESOURCES / "table1_greys.csv")
    assert len(pairs) > 150
    shades = np.array([grey(value) for value in pairs["eer_percent"]])
    assert np.abs(shades - pairs["grey"]).max() <= 0.007
    assert np.abs(shades.round(2) - pairs["grey"]).max() <= 0.01 + 1e-9


def test_shade_never_lightens_and_missing_has_none():
    shades = [grey(value) for value in np.linspace(0, 100, 301)]
    assert (np.diff(shades) <= 0).all()
    assert (shades[0], shades[-1]) == (1, 0)
    assert grey(math.nan) == 1


def test_text_is_legible_on_every_shade():
    for shade in np.linspace(0, 1, 101):
        linear = shade / 12.92 if shade <= 0.04045 else ((shade + 0.055) / 1.055) ** 2.4
        contrast = 1.05 / (linear + 0.05) if text_is_white(shade) else (linear + 0.05) / 0.05
        # WCAG 2 asks for 4.5 in body text.
        assert contrast > 4.5


def test_arrangement_of_the_papers_table(paper):
    arranged = arrange(paper)
    assert [group.title for group in arranged.groups] == [
        "DFE24 eva. set (in-domain)",
        "Other eva. sets (out-of-domain)",
    ]
    assert [column.heading for column in arranged.columns] == (
        ["4 s", "10 s", "13 s", "30 s", "50 s", "ave.", "ADD23", "FoR", "DV", "ItW", "ave."]
    )
    assert [row.algorithm for row in arranged.rows][:12] == [
        "×", "SFT", "GRPO_{s}", "GRPO", "SFT→GRPO_{s}", "SFT→GRPO", "GRPO (β=0)", "GRPO (β=1)",
        "GRPO w/o neg.", "SFT", "GRPO_{s}", "GRPO",
    ]  # fmt: skip
    spans = [(row.model, row.model_span) for row in arranged.rows if row.model_span]
    assert spans == [("XLS-R-2B", 12), ("MMS-1B", 4), ("MMS-300M", 4)]
    trainings = [
        (row.number, row.training_span, row.pre_trained + row.post_trained)
        for row in arranged.rows
        if row.training_span
    ]
    assert trainings == [
        (1, 1, "✓✓"), (2, 8, "✓✓"), (10, 3, "✓×"), (13, 1, "✓✓"), (14, 3, "✓✓"), (17, 1, "✓✓"),
        (18, 3, "✓✓"),
    ]  # fmt: skip


def test_names_are_shown_as_given_unless_labelled(table):
    arranged = arrange(table, labels={"a": "Set A", "tiny": "Tiny"})
    assert [column.heading for column in arranged.columns] == ["Set A", "b", "ave.", "c", "ave."]
    assert arranged.rows[2].algorithm == "my_way"
    assert arranged.rows[0].model == "Tiny"
    assert arranged.groups[0].title == "In-domain test sets"
    titled = arrange(table, group_titles=("One", "Two"))
    assert [group.title for group in titled.groups] == ["One", "Two"]


def test_domain_without_test_sets_is_left_out():
    arranged = arrange(assemble_table(CELLS, ROWS, ["a"], []))
    assert [column.key for column in arranged.columns] == ["a", "in_domain_avg"]


def test_legend_tells_of_paper_and_missing_values_only_if_there_are_any(table, paper):
    assert "dash" in arrange(table).legend
    assert "paper" not in arrange(table, paper=paper).legend
    assert "dash" not in arrange(paper).legend
    assert "paper" in arrange(paper, paper=paper).legend
