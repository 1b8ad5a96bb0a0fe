"""Distances and the drifts behind them, against scipy's folded normal; bounds of differences."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import foldnorm, norm

from sdd.metrics.drift_scale import Distance, DistanceComparison, drift_behind, expected_distance

LARGE = math.inf


@pytest.mark.parametrize("drift", [0.0, 0.01, 0.5, 1.0, 3.0, 30.0])
@pytest.mark.parametrize("floor", [0.1, 1.0, 7.0])
def test_expected_distance_is_the_mean_of_a_folded_normal(drift, floor):
    scale = floor * math.sqrt(math.pi / 2)
    expected = foldnorm(drift / scale, scale=scale).mean()
    assert expected_distance(drift, floor) == pytest.approx(expected, rel=1e-9)


def test_expected_distance_at_its_ends():
    assert expected_distance(0, 0.3) == 0.3
    assert expected_distance(5, 0.3) == pytest.approx(5)
    assert expected_distance(0.2, 0) == 0.2


@given(drift=st.floats(0.01, 10), floor=st.floats(0.001, 10))
def test_a_drift_is_found_behind_its_distance(drift, floor):
    found = drift_behind(expected_distance(drift, floor), floor)
    # Near 0 the distance hardly moves, by drift^2 / (pi floor).
    assert found == pytest.approx(drift, rel=1e-6, abs=1e-4 * floor)


def test_at_the_floor_or_below_there_is_no_drift():
    assert drift_behind(0.3, 0.3) == drift_behind(0.1, 0.3) == 0
    assert drift_behind(0.1, 0) == pytest.approx(0.1)


def comparison(a, b, error=0.1, floor=1.0, own=0.1, freedom=LARGE):
    return DistanceComparison(Distance(a, floor, own), Distance(b, floor, own), error, freedom)


def test_far_above_the_floor_distances_are_drifts():
    found = comparison(9, 7, error=0.5)
    assert (found.low(), found.high()) == pytest.approx((2 - 0.98, 2 + 0.98), abs=1e-4)
    assert found.smallest() == pytest.approx(0.98, abs=1e-4)
    assert found.p_above(1) == pytest.approx(norm.sf(2), rel=1e-4)
    assert found.p_below(1) == pytest.approx(norm.cdf(2), rel=1e-4)


def test_at_the_floor_a_difference_hardly_shows():
    """Two distances of 1, the floor: a difference is what adds 0.196 to that."""
    found = comparison(1, 1)
    assert found.high() == pytest.approx(drift_behind(1 + 1.959964 * 0.1, 1))
    assert found.high() == pytest.approx(0.80, abs=0.01)
    assert found.low() == -found.high()
    assert found.smallest() == found.high()
    assert found.p_above() == found.p_below() == 0.5


def test_different_floors_are_no_difference_of_drifts():
    """One detector's embeddings are ten times as wide: distances 10 and 1, both at their floor."""
    found = DistanceComparison(Distance(10, 10, 0.5), Distance(1, 1, 0.05), 0.5, LARGE)
    assert found.p_above() == found.p_below() == 0.5
    assert found.low() < 0 < found.high()


@given(
    a=st.floats(0.8, 4),
    b=st.floats(0.8, 4),
    error=st.floats(0.05, 0.5),
    confidence=st.floats(0.5, 0.99),
)
def test_interval_and_p_never_disagree(a, b, error, confidence):
    found = comparison(a, b, error, freedom=12)
    low, high = found.low(confidence), found.high(confidence)
    assert low <= high
    # Where an end is no less than what the drift it is counted from allows.
    if high > -found.second.least_drift:
        assert found.p_below(high) == pytest.approx((1 - confidence) / 2, rel=1e-3)
    if low < found.first.least_drift:
        assert found.p_above(low) == pytest.approx((1 - confidence) / 2, rel=1e-3)
    assert found.high(0.995) >= high
