"""Means over rounds and their differences, with intervals for rounds and sources together."""

import numpy as np
import pytest

from sdd.errors import InputError
from sdd.metrics import Rounds, average, difference_of_means, mean_over_rounds


def test_interval_of_rounds_and_sources_covers_as_it_promises():
    """Three rounds and 60 sources, whose effects are comparable; each alone would cover less."""
    generator = np.random.default_rng(8)
    covered = {"both": 0, "sources": 0}
    for _ in range(600):
        sources = generator.normal(20, 1, 60)
        values = sources.mean() + generator.normal(0, 0.15, 3)
        weights = generator.poisson(1, (400, 60))
        drawn = (weights @ sources) / weights.sum(axis=1)
        replicates = values[:, None] - sources.mean() + drawn
        both = mean_over_rounds(Rounds(values, replicates), 60)
        alone = mean_over_rounds(Rounds(values, replicates, trained=False), 60)
        covered["both"] += both.low <= 20 <= both.high
        covered["sources"] += alone.low <= 20 <= alone.high
    assert 0.92 <= covered["both"] / 600 <= 0.98
    assert covered["sources"] / 600 < 0.92


def test_difference_is_paired_by_the_draws():
    """What both share cancels: the interval is that of what differs."""
    generator = np.random.default_rng(9)
    shared = generator.normal(0, 5, 2000)
    own = generator.normal(0, 0.1, 2000)
    a = Rounds(np.array([12.0]), (12 + shared + own)[None])
    b = Rounds(np.array([10.0]), (10 + shared)[None])
    estimate = difference_of_means(a, b, 500)
    assert estimate.value == 2
    assert (estimate.low, estimate.high) == pytest.approx((1.804, 2.196), abs=0.02)
    with pytest.raises(InputError, match="same resamplings"):
        difference_of_means(a, Rounds(b.values, b.replicates[:, :10]), 500)


def test_difference_of_rounds_by_welch():
    """No variance of sources: Welch's interval of two samples of three."""
    from scipy import stats

    one, other = np.array([4.0, 5.0, 7.0]), np.array([1.0, 1.5, 2.5])
    flat = [Rounds(values, np.repeat(values[:, None], 8, 1)) for values in (one, other)]
    estimate = difference_of_means(*flat, 50)
    expected = stats.ttest_ind(one, other, equal_var=False).confidence_interval()
    assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high))


def test_averages_are_taken_round_by_round():
    first = Rounds(np.array([1.0, 3.0]), np.array([[1.0, 2.0], [3.0, 5.0]]))
    second = Rounds(np.array([2.0, 6.0]), np.array([[3.0, 2.0], [7.0, 5.0]]))
    mean = average([first, second])
    assert mean.values == pytest.approx([1.5, 4.5])
    assert mean.replicates == pytest.approx(np.array([[2.0, 2.0], [5.0, 5.0]]))
    with pytest.raises(InputError, match="same rounds"):
        average([first, Rounds(np.array([1.0]), np.array([[1.0, 1.0]]))])
