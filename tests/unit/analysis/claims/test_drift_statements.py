"""Drifts of detectors compared: by their distances, not told apart where both are at the floor."""

import math

import numpy as np
import pytest

from sdd.analysis.claims.drift_statements import collect_drifts
from sdd.analysis.claims.judging import ClaimTest, judge
from sdd.metrics.drift_interval import SampledDrift
from sdd.metrics.rounds import t_quantile, t_tail


def drift(value, half=0.1, floor=0.01, clusters=100):
    """A drift with two replicates, as far above it as below."""
    return SampledDrift(value, floor, np.array([value - half, value + half]), clusters, 1.0, floor)


def test_drifts_of_rounds_are_compared_by_their_distances():
    """Two trainings of SFT against none, which has one round and no training."""
    cells = [
        ("none", {"itw": drift(1.0, 0.3)}),
        ("sft", {"itw": drift(2.0)}),
        ("sft", {"itw": drift(2.2)}),
    ]
    found = collect_drifts(cells, [], ["itw"])
    one = found.difference(("sft", "itw"), ("none", "itw"))
    assert one.a == pytest.approx(math.sqrt(4.42), abs=1e-3)
    # The spread of 2.0 and 2.2 is 0.2 / sqrt(2); replicates are 0.1 and 0.3 from their mean.
    training, drawn = 0.02 / 2, (0.3 - 0.1) ** 2 * 100 / 99
    assert one.error == pytest.approx(math.sqrt(training + drawn), rel=1e-6)
    first, second = one.comparison.first, one.comparison.second
    assert (first.value, first.floor) == pytest.approx((2.1, 0.01))
    assert first.error == pytest.approx(math.sqrt(training + 0.01 * 100 / 99))
    assert second.error == pytest.approx(0.3 * math.sqrt(100 / 99))
    # Far above the floor a difference of distances is one of drifts.
    reach = t_quantile(one.freedom) * one.error
    assert (one.low, one.high) == pytest.approx((1.1 - reach, 1.1 + reach), abs=2e-3)
    assert one.smallest == pytest.approx(reach, abs=2e-3)
    assert 2 * one.p_above() == pytest.approx(2 * t_tail(1.1, one.error, one.freedom), rel=0.02)
    assert not one.one_training
    assert found.difference(("sft", "itw"), ("grpo", "itw")) is None
    assert found.floor(("none", "sft"), "itw") == pytest.approx(0.01)


def test_one_training_and_few_clusters_are_said():
    cells = [("none", {"itw": drift(1.0, clusters=9)}), ("sft", {"itw": drift(2.0, clusters=9)})]
    one = collect_drifts(cells, [], ["itw"]).difference(("sft", "itw"), ("none", "itw"))
    assert one.one_training
    assert (one.drawn, one.note) == ("9 clusters", "fewer than 10 clusters give no interval")
    assert not one.is_known


def test_drifts_near_their_floor_are_not_told_apart():
    cells = [
        (name, {"itw": drift(value, 0.4, floor=1.0)})
        for name, value in (("none", 0.9), ("sft", 1.05), ("sft", 1.06))
    ]
    one = collect_drifts(cells, [], ["itw"]).difference(("sft", "itw"), ("none", "itw"))
    [judgement] = judge([[ClaimTest("itw", one, "higher")]])
    assert judgement.outcomes == ("open",)
    assert one.at_floor
    assert one.note == "both no more than chance gives"
