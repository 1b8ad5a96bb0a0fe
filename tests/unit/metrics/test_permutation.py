"""Two algorithms on the same trials: differences, permutation test, Holm's correction."""

import math
from itertools import product

import numpy as np
import pytest

from sdd.errors import InputError
from sdd.metrics import (
    Rounds,
    average,
    difference_of_means,
    errors_by_source,
    holm,
    mean_over_rounds,
    permutation_test,
)
from sdd.metrics.error_rates import eer


def test_errors_of_sources_add_up_to_the_eer():
    generator = np.random.default_rng(2)
    for ties in (0.0, 0.5):
        scores = np.concatenate([generator.normal(1, 1, 60), generator.normal(-1, 1, 90)])
        if ties:
            scores = np.round(scores / ties) * ties
        real = np.arange(150) < 60
        sources = generator.integers(0, 9, 150)
        errors = errors_by_source(scores, real, sources, 9)
        assert errors.sum() == pytest.approx(eer(scores[real], scores[~real])[0], abs=1e-12)
        one = errors_by_source(scores, real, np.zeros(150, dtype=int), 2)
        assert one == pytest.approx([errors.sum(), 0])


def test_permutation_p_is_the_share_of_all_exchanges():
    """Ten sources: all 1024 sign patterns can be written out."""
    differences = np.random.default_rng(5).normal(0.4, 1, 10)
    signs = np.array(list(product([1, -1], repeat=10)))
    exact = (np.abs(signs @ differences) >= abs(differences.sum()) - 1e-12).mean()
    assert permutation_test(differences, 40_000) == pytest.approx(exact, abs=0.01)


def test_permutation_test_keeps_its_level():
    """Detectors of equal EER on another scale, dependent trials: 5 % of p lie below 0.05."""
    generator = np.random.default_rng(3)
    source = np.repeat(np.arange(120), 8)
    real = source < 60
    low = 0
    for number in range(400):
        shared = np.where(real, 1, -1) + 0.7 * generator.normal(size=120)[source]
        one, other = (
            shared + 0.5 * generator.normal(size=120)[source] + 0.5 * generator.normal(size=960)
            for _ in "ab"
        )
        difference = errors_by_source(one, real, source, 120)
        difference -= errors_by_source(3 * other + 5, real, source, 120)
        low += permutation_test(difference, 400, seed=number) < 0.05
    assert 0.025 <= low / 400 <= 0.08


def test_permutation_test_finds_a_difference():
    differences = np.full(30, 0.01)
    assert permutation_test(differences, 2000) == pytest.approx(1 / 2001)
    assert permutation_test(np.zeros(30), 500) == 1
    with pytest.raises(InputError, match="one finite number a source"):
        permutation_test([])


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    corrected = holm([0.02, math.nan, 0.9, 0.04])
    assert corrected[[0, 2, 3]] == pytest.approx([0.06, 0.9, 0.08])
    assert math.isnan(corrected[1])
    assert holm([0.6, 0.7]).max() == 1


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
