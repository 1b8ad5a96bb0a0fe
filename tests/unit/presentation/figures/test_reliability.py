"""Reliability diagrams: what is drawn of which test set."""

import numpy as np
import pytest

from sdd.presentation.figures.reliability import plot_reliability, reliability_curve
from sdd.presentation.figures.style import mathtext


def test_a_panel_a_set_and_a_curve_a_cell():
    curve = reliability_curve("sft", np.array([1.0, 1.0]), np.array([-1.0]))
    name, stated, found = curve
    assert name == "sft"
    assert stated.tolist() == pytest.approx([1 / (1 + np.e), np.e / (1 + np.e)])
    assert found.tolist() == [0, 1]
    figure = plot_reliability(
        [("itw", [curve, ("grpo_s", stated, stated)]), ("dv", [curve])],
        labels={"itw": "In-the-Wild"}, title="A title", notes="Toys.", columns=2,
    )  # fmt: skip
    wild, voice = figure.axes
    assert [axes.get_title(loc="left") for axes in (wild, voice)] == ["In-the-Wild", "DV"]
    # The diagonal, and the curves.
    assert len(wild.lines) == 3
    np.testing.assert_array_equal(wild.lines[0].get_xydata(), [[0, 0], [1, 1]])
    np.testing.assert_array_equal(wild.lines[1].get_xydata().T, [stated, found])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "SFT",
        mathtext("GRPO_{s}"),
    ]
