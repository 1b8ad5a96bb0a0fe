"""Rank correlations against scipy, hand computation and repeated points."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sdd.errors import InputError
from sdd.metrics.rank_correlation import LEAST_GROUPS, correlation_interval, kendall, spearman

VALUES = st.integers(0, 5)
PAIRS = st.lists(st.tuples(VALUES, VALUES), min_size=3, max_size=12)


def test_by_hand():
    # Ranks 1 2 3 4 and 2 1 4 3: 1 - 6 (1 + 1 + 1 + 1) / (4 * 15) = 0.6; 4 of 6 pairs alike.
    x, y = [10, 20, 30, 40], [2, 1, 4, 3]
    assert spearman(x, y)[0] == pytest.approx(0.6)
    assert kendall(x, y)[0] == pytest.approx((4 - 2) / 6)
    # One tie in x: (C - D) / sqrt((P - T_x) P) = (3 - 2) / sqrt(5 * 6).
    assert kendall([1, 1, 2, 3], [1, 2, 4, 1.5])[0] == pytest.approx(1 / math.sqrt(5 * 6))


@given(PAIRS)
def test_are_those_of_scipy(pairs):
    x, y = zip(*pairs, strict=True)
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert math.isnan(spearman(x, y)[0])
        assert math.isnan(kendall(x, y)[0])
        return
    assert spearman(x, y)[0] == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    assert kendall(x, y)[0] == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)


@given(PAIRS, st.integers(0, 99))
def test_weights_are_repeated_points(pairs, seed):
    x, y = np.array(pairs, dtype=float).T
    counts = np.random.default_rng(seed).integers(0, 3, size=(2, len(x)))
    counts[:, 0] += 1
    for correlation in (spearman, kendall):
        found = correlation(x, y, counts.astype(float))
        for row, value in zip(counts, found, strict=True):
            many = np.repeat(x, row), np.repeat(y, row)
            if len(many[0]) > 1:
                assert value == pytest.approx(correlation(*many)[0], abs=1e-12, nan_ok=True)


def test_the_interval_is_that_of_leaving_groups_out():
    """Computed again with plain loops: Fisher's z, the jackknife, Student's t."""
    generator = np.random.default_rng(0)
    groups = [name for name in "abcdef" for _ in range(3)]
    x = generator.normal(size=18)
    y = x + generator.normal(size=18)
    for correlation, theirs in ((spearman, stats.spearmanr), (kendall, stats.kendalltau)):
        z = [
            math.atanh(theirs(x[keep], y[keep]).statistic)
            for keep in (np.array([name != left for name in groups]) for left in "abcdef")
        ]
        error = math.sqrt(5 / 6 * sum((value - sum(z) / 6) ** 2 for value in z))
        reach = stats.t.ppf(0.975, 5) * error
        middle = math.atanh(theirs(x, y).statistic)
        expected = [math.tanh(middle - reach), math.tanh(middle + reach)]
        assert correlation_interval(correlation, x, y, groups) == pytest.approx(expected)


def test_points_of_a_group_that_are_the_same_add_nothing():
    generator = np.random.default_rng(0)
    x = generator.normal(size=12)
    y = x + generator.normal(size=12)
    alone = correlation_interval(kendall, x, y, range(12))
    five = np.repeat(np.arange(12), 5)
    assert correlation_interval(kendall, x[five], y[five], list(five)) == pytest.approx(alone)
    as_if_many = correlation_interval(kendall, x[five], y[five], range(60))
    assert as_if_many[1] - as_if_many[0] < 0.7 * (alone[1] - alone[0])


def test_few_groups_give_no_interval():
    x = np.arange(12.0)
    groups = [number % (LEAST_GROUPS - 1) for number in range(12)]
    assert np.isnan(correlation_interval(kendall, x, x, groups)).all()
    groups = [number % LEAST_GROUPS for number in range(12)]
    assert correlation_interval(kendall, x, x, groups) == pytest.approx((1.0, 1.0))
    assert np.isnan(correlation_interval(kendall, x, 0 * x, groups)).all()


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [([1, 2], [1], "two of"), ([1], [1], "two points"), ([1, math.inf], [1, 2], "not finite")],
)
def test_what_has_no_ranks_is_refused(x, y, words):
    with pytest.raises(InputError, match=words):
        spearman(x, y)
