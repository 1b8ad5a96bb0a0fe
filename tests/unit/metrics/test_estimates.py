"""Figures and their differences, with intervals for rounds and clusters together."""

import math

import numpy as np
import pytest
from scipy import stats

from sdd.errors import InputError
from sdd.metrics import (
    Rounds,
    Sample,
    average,
    difference_of_means,
    mean_over_rounds,
    rate_over_rounds,
)
from sdd.metrics.estimates import sample_of_rates, unseen_variance


def one_round(value, deviations, clusters=100, corpus="itw", **more):
    sample = Sample(np.array(deviations, dtype=float), clusters, **more)
    return Rounds(np.array([float(value)]), {corpus: sample}, trained=False)


def test_variance_is_the_mean_square_about_the_figure():
    """1, 3 and an unknown: (1 + 9) / 2, times 5 / 4 for five clusters."""
    sample = Sample(np.array([1.0, 3.0, math.nan]), 5, unseen=0.5)
    assert sample.component == (pytest.approx(6.75), 4)
    assert math.isnan(Sample(np.ones(3), 1).component[0])
    # Roots of 4, 9 and 16 about 2 are 0, 1, 2 off.
    root = Sample(np.array([0.0, 5.0, 12.0]), 3).component_of_root(4)
    assert root == (pytest.approx(5 / 3 * 3 / 2), 2)


def test_interval_and_p_value_by_hand():
    """Standard error sqrt(4 x 41 / 40), Student's t of 40."""
    estimate = mean_over_rounds(one_round(5, [-2, 2], 41))
    error = math.sqrt(4 * 41 / 40)
    half = stats.t.ppf(0.975, 40) * error
    assert (estimate.error, estimate.freedom) == (pytest.approx(error), 40)
    assert (estimate.low, estimate.high) == pytest.approx((5 - half, 5 + half))
    assert estimate.smallest == pytest.approx(half)
    assert estimate.p_value == pytest.approx(2 * stats.t.sf(5 / error, 40))


def test_interval_and_p_value_never_disagree():
    for value in np.linspace(-6, 6, 41):
        estimate = mean_over_rounds(one_round(value, [-2, 1.5, 2], 30))
        assert (estimate.p_value < 0.05) == (estimate.low > 0 or estimate.high < 0)


def test_too_few_clusters_have_no_interval_of_their_own_but_enter_averages():
    few = one_round(4, [-2, 2], 8, "dv")
    assert math.isnan(mean_over_rounds(few).low)
    assert math.isnan(mean_over_rounds(few).p_value)
    assert math.isnan(rate_over_rounds(few).high)
    estimate = mean_over_rounds(average([few, one_round(2, [-1, 1], 101)]))
    # Variances of halves: 4 x 8 / 7 / 4 with 7 degrees of freedom, 1 x 101 / 100 / 4 with 100.
    first, second = 8 / 7, 1.01 / 4
    assert estimate.value == 3
    assert estimate.error == pytest.approx(math.sqrt(first + second))
    assert estimate.freedom == pytest.approx(
        (first + second) ** 2 / (first**2 / 7 + second**2 / 100)
    )


def test_interval_of_rounds_and_clusters_covers_as_it_promises():
    """Three rounds and 60 clusters, whose effects are comparable; each alone would cover less."""
    generator = np.random.default_rng(8)
    covered = {"both": 0, "clusters": 0}
    for _ in range(600):
        clusters = generator.normal(20, 1, 60)
        values = clusters.mean() + generator.normal(0, 0.15, 3)
        weights = generator.poisson(1, (400, 60))
        drawn = (weights @ clusters) / weights.sum(axis=1)
        samples = {"itw": Sample(drawn - clusters.mean(), 60)}
        both = mean_over_rounds(Rounds(values, samples))
        alone = mean_over_rounds(Rounds(values, samples, trained=False))
        covered["both"] += both.low <= 20 <= both.high
        covered["clusters"] += alone.low <= 20 <= alone.high
    assert 0.92 <= covered["both"] / 600 <= 0.98
    assert covered["clusters"] / 600 < 0.92


def test_difference_is_paired_by_the_draws():
    """What both share cancels: the interval is that of what differs."""
    generator = np.random.default_rng(9)
    shared = generator.normal(0, 5, 2000)
    own = generator.normal(0, 0.1, 2000)
    estimate = difference_of_means(one_round(12, shared + own, 500), one_round(10, shared, 500))
    assert estimate.value == 2
    assert (estimate.low, estimate.high) == pytest.approx((1.804, 2.196), abs=0.02)
    with pytest.raises(InputError, match="same resamplings"):
        difference_of_means(one_round(12, shared), one_round(10, shared[:10]))


def test_no_difference_at_all():
    same = one_round(12, [1, 2, 3])
    estimate = difference_of_means(same, same)
    assert (estimate.low, estimate.value, estimate.high) == (0, 0, 0)
    assert estimate.p_value == 1


def test_difference_of_rounds_by_welch():
    """No variance of clusters: Welch's interval and p of two samples of three."""
    one, other = np.array([4.0, 5.0, 7.0]), np.array([1.0, 1.5, 2.5])
    flat = [Rounds(values, {"itw": Sample(np.zeros(8), 50)}) for values in (one, other)]
    estimate = difference_of_means(*flat)
    expected = stats.ttest_ind(one, other, equal_var=False)
    interval = expected.confidence_interval()
    assert (estimate.low, estimate.high) == pytest.approx((interval.low, interval.high))
    assert estimate.p_value == pytest.approx(expected.pvalue)


def test_averages_join_sets_of_one_corpus_and_keep_corpora_apart():
    def part(values, deviations, corpus, clusters):
        return Rounds(np.array(values), {corpus: Sample(np.array(deviations), clusters)})

    first = part([1.0, 3.0], [1.0, -2.0], "dfe24", 20)
    second = part([2.0, 6.0], [3.0, 0.0], "dfe24", 18)
    third = part([0.0, 0.0], [6.0, 3.0], "itw", 54)
    mean = average([first, second, third])
    assert mean.values == pytest.approx([1.0, 3.0])
    assert mean.samples["dfe24"].deviations == pytest.approx([4 / 3, -2 / 3])
    assert mean.samples["dfe24"].clusters == mean.clusters == 18
    assert mean.samples["itw"].deviations == pytest.approx([2.0, 1.0])
    with pytest.raises(InputError, match="same rounds"):
        average([first, part([1.0], [1.0, 1.0], "itw", 3)])


def test_one_training_is_none_where_nothing_is_trained():
    assert Rounds(np.ones(1)).one_training
    assert not Rounds(np.ones(3)).one_training
    assert not Rounds(np.ones(1), trained=False).one_training


def test_rate_on_the_scale_of_its_root():
    """Roots 4 and 6 about 5 with 41 clusters: squares of 5 -+ t sqrt(41 / 40)."""
    estimate = rate_over_rounds(one_round(25, [16 - 25, 36 - 25], 41))
    half = stats.t.ppf(0.975, 40) * math.sqrt(41 / 40)
    assert (estimate.low, estimate.high) == pytest.approx(((5 - half) ** 2, (5 + half) ** 2))
    # Of rounds by their variance, 225 / 3, over 4 x 25; never below zero.
    rounds = Rounds(np.array([10.0, 25.0, 40.0]), {"a": Sample(np.zeros(4), 41)})
    half = stats.t.ppf(0.975, 2) * math.sqrt(75 / 100)
    assert rate_over_rounds(rounds).low == pytest.approx((5 - half) ** 2)
    assert rate_over_rounds(rounds).high == pytest.approx((5 + half) ** 2)
    rounds = Rounds(np.array([1.0, 25.0, 49.0]), {"a": Sample(np.zeros(4), 41)})
    assert rate_over_rounds(rounds).low == 0


@pytest.mark.parametrize(("rate", "ends"), [(0.0, (0.0, 8.809)), (100.0, (91.191, 100.0))])
def test_without_an_error_the_interval_is_the_exact_bound(rate, ends):
    """40 clusters: 2 (1 - u)^40 = 0.05, so u = 1 - 0.025^(1 / 40) = 0.0881."""
    assert pytest.approx(0.05, rel=1e-3) == 2 * (1 - 0.08809) ** 40
    rates = np.full(2, rate)
    sample = sample_of_rates(rates, np.full((2, 50), rate), 40)
    estimate = rate_over_rounds(Rounds(rates, {"itw": sample}))
    assert (estimate.low, estimate.high) == pytest.approx(ends, abs=1e-3)
    # Where one detector has errors and the other none, the bound adds to their difference.
    other = one_round(2.0, np.linspace(-1, 1, 50), 40)
    difference = difference_of_means(other, Rounds(rates, {"itw": sample}))
    assert difference.error**2 == pytest.approx(
        other.samples["itw"].component[0] + unseen_variance(40)
    )


def test_bound_of_unseen_errors_covers():
    """40 real clusters that are wrong with a probability just above the bound: rarely none is."""
    bound = 0.0881
    generator = np.random.default_rng(1)
    none = (generator.random((20_000, 40)) > bound).all(axis=1).mean()
    assert none <= 0.025 + 0.004
