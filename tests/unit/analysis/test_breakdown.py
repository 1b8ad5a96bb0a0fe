"""Error rates of attacks and speakers by hand."""

import dataclasses
import math

import numpy as np
import pytest

from sdd.analysis.breakdown import BREAKDOWN_COLUMNS, breakdown_rows
from sdd.analysis.evaluation import Trials
from tests.helpers.score_tables import segments


def scored(real, fake, **columns):
    values = np.array([*real, *fake], dtype=float)
    is_real = np.arange(len(values)) < len(real)
    table = segments(["real"] * len(real) + ["fake"] * len(fake))
    return Trials(is_real, values, values), dataclasses.replace(table, **columns)


def test_an_attack_is_measured_with_all_real_trials():
    """Real 1..10; A: ten fakes at 0, B: ten of which five lie above all real ones."""
    real, a, b = range(1, 11), [0] * 10, [0] * 5 + [20] * 5
    attack = ["-"] * 10 + ["A"] * 10 + ["B"] * 10
    rows = breakdown_rows("itw", *scored(real, [*a, *b], attack=attack), threshold=3.0)
    assert all(tuple(row) == BREAKDOWN_COLUMNS for row in rows)
    assert [(row["by"], row["group"], row["n_real"], row["n_fake"]) for row in rows] == [
        ("attack", "A", 10, 10),
        ("attack", "B", 10, 10),
    ]
    # FRR of the three real ones up to 3; FAR of B's five.
    assert [(row["frr_percent"], row["far_percent"]) for row in rows] == [
        (pytest.approx(30), 0),
        (pytest.approx(30), 50),
    ]
    assert [row["eer_percent"] for row in rows] == [0, 50]


def test_a_speaker_is_measured_with_their_own_trials():
    """Ann has both classes, too few for an EER; Bob real recordings only; one is not known."""
    speaker = ["Ann", "Ann", "Bob", "Bob", "Ann", "-"]
    rows = breakdown_rows("itw", *scored([1, 3, 0, 5], [2, 9], speaker=speaker), threshold=2.0)
    ann, bob = rows
    assert (ann["n_real"], ann["n_fake"], bob["n_real"], bob["n_fake"]) == (2, 1, 2, 0)
    assert (ann["frr_percent"], ann["far_percent"], bob["frr_percent"]) == (50, 0, 50)
    assert math.isnan(bob["far_percent"])
    assert math.isnan(ann["eer_percent"])


def test_what_is_not_known_or_all_the_same_is_left_out():
    assert breakdown_rows("a", *scored([1, 2], [0, 3]), threshold=1.0) == []
    # An attack named of real recordings is none.
    everywhere = scored([1, 2], [0, 3], attack=["none", "none", "VC", "VC"], speaker=["x"] * 4)
    assert breakdown_rows("a", *everywhere, threshold=1.0) == []
