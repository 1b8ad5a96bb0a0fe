"""Means over rounds and their intervals against known values."""

import math

import numpy as np
import pytest
from scipy import stats

from sdd.errors import InputError
from sdd.metrics import mean_and_spread, t_interval


def test_mean_and_spread_by_hand():
    # Squared deviations 4 + 0 + 4 over 2.
    assert mean_and_spread([1, 3, 5]) == (3, 2)


def test_one_round_has_no_spread():
    mean, spread = mean_and_spread([7.5])
    assert mean == 7.5
    assert math.isnan(spread)
    assert all(math.isnan(limit) for limit in t_interval([7.5]))


def test_t_interval_by_the_textbook():
    # Three values, 2 degrees of freedom: the 97.5 % quantile is 4.30265.
    low, high = t_interval([1, 3, 5])
    assert low == pytest.approx(3 - 4.3026527 * 2 / math.sqrt(3))
    assert high == pytest.approx(3 + 4.3026527 * 2 / math.sqrt(3))


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.99])
def test_t_interval_equals_scipy(confidence):
    values = np.random.default_rng(3).normal(10, 2, 7)
    expected = stats.t.interval(confidence, 6, values.mean(), stats.sem(values))
    assert t_interval(values, confidence) == pytest.approx(expected, rel=1e-12)


def test_t_interval_of_three_rounds_covers_as_it_promises():
    generator = np.random.default_rng(0)
    limits = [t_interval(generator.normal(5, 1, 3)) for _ in range(4000)]
    assert np.mean([low <= 5 <= high for low, high in limits]) == pytest.approx(0.95, abs=0.012)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "at least one round"),
        ([[1.0]], "a vector"),
        ([1.0, math.nan], "value of round 2 is nan"),
    ],
)
def test_bad_values_are_named(values, message):
    with pytest.raises(InputError, match=message):
        mean_and_spread(values)
    with pytest.raises(InputError, match=message):
        t_interval(values)


@pytest.mark.parametrize("confidence", [0, 1, 95, math.nan])
def test_bad_confidence_is_named(confidence):
    with pytest.raises(InputError, match=r"write 95 % as 0\.95"):
        t_interval([1, 2], confidence)
