"""Drifts with intervals and floors: coverage on simulated clusters, repetition, bad input."""

import math

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from sdd.errors import InputError
from sdd.metrics.drift import drift, wasserstein_per_dimension
from sdd.metrics.drift_interval import (
    ClusteredPoints,
    SampledDrift,
    _drawn_weights,
    _weighted_drifts,
    distance_over_rounds,
    sample_drift,
)
from sdd.metrics.estimates import difference_of_means
from sdd.metrics.rounds import t_quantile


def clustered(generator, clusters, each, shift=0.0, dimensions=6, corpus="test"):
    """Standard normal points, four fifths of whose variance their cluster shares."""
    shared = np.repeat(generator.normal(size=(clusters, dimensions)), each, axis=0)
    own = generator.normal(size=shared.shape)
    names = [f"cluster {number}" for number in np.repeat(np.arange(clusters), each)]
    return ClusteredPoints((2 * shared + own) / np.sqrt(5) + shift, names, corpus)


def test_weighted_distance_equals_scipy():
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(31, 3)), generator.normal(0.4, 2, size=(23, 3))
    x[5] = x[9] = y[4]  # ties, between the sets too
    weights_x, weights_y = (
        generator.dirichlet(np.ones(31), 20),
        generator.dirichlet(np.ones(23), 20),
    )
    weights_x[:, 3] = 0
    weights_x /= weights_x.sum(axis=1, keepdims=True)
    expected = [
        np.mean([wasserstein_distance(a, b, u, v) for a, b in zip(x.T, y.T, strict=True)])
        for u, v in zip(weights_x, weights_y, strict=True)
    ]
    for threads in (1, 2):
        found, _, _ = _weighted_drifts(x, y, weights_x, weights_y, 23, threads)
        assert found == pytest.approx(expected, rel=1e-9)


def test_equal_weights_give_the_drift_and_no_floor():
    generator = np.random.default_rng(1)
    x, y = generator.normal(size=(40, 70)), generator.normal(size=(57, 70))
    equal = np.full((1, 40), 1 / 40), np.full((1, 57), 1 / 57)
    found, floor, _ = _weighted_drifts(x, y, *equal, 40, 1)
    assert found == pytest.approx([wasserstein_per_dimension(x, y).mean()], rel=1e-12)
    assert floor == pytest.approx(0, abs=1e-6)


def test_floor_by_hand():
    """Points 0 and 1 against the same; weights of the upper one 1/2 -+ 1/4, two clusters.

    Between 0 and 1 the difference of distribution functions has the variance 1/16, twice that for
    two clusters: sqrt(2 / pi / 8).
    """
    points = np.array([[0.0], [1.0]])
    weights = np.array([[0.25, 0.75], [0.75, 0.25]])
    _, floor, bias = _weighted_drifts(points, points, weights, np.full((2, 2), 0.5), 2, 1)
    assert floor == pytest.approx(math.sqrt(2 / math.pi / 8))
    assert bias == pytest.approx(math.sqrt(3) * floor)
    # One more point above: a difference of 1/2 - 1/3, whose square is a ninth of 1/4.
    more = np.array([[0.0], [1.0], [1.0]])
    thirds = np.array([[0.25, 0.375, 0.375], [0.75, 0.125, 0.125]])
    _, _, bias = _weighted_drifts(more, points, thirds, np.full((2, 2), 0.5), 2, 1)
    variance = 2 * np.mean([(0.25 - 1 / 3) ** 2, (0.75 - 1 / 3) ** 2])
    added = math.sqrt(6 * variance / math.pi)
    assert bias == pytest.approx(added * math.exp(-((1 / 3 - 1 / 2) ** 2) / variance))


def test_clusters_are_drawn_whole_and_alike_for_all_detectors():
    points = ClusteredPoints(np.zeros((6, 1)), list("aaabcc"), "itw")
    weights = _drawn_weights(points, 500, 0)
    known = weights[~np.isnan(weights[:, 0])]
    assert known.sum(axis=1) == pytest.approx(1)
    assert (known[:, 0] == known[:, 1]).all()
    assert (known[:, 4] == known[:, 5]).all()
    # Nothing was drawn in e^-3 of the replicates: no distribution.
    assert len(known) / 500 == pytest.approx(1 - math.exp(-3), abs=0.03)
    other = points.with_values(np.ones((6, 4)))
    assert np.array_equal(_drawn_weights(other, 500, 0), weights, equal_nan=True)
    # Part of the set: the same clusters, drawn as before.
    part = _drawn_weights(points.select(np.array([3, 4])), 500, 0)
    ratio = (weights[:, 3] > 0) == (part[:, 0] > 0)
    assert ratio.mean() > 0.9


def coverage(shift, simulations, naive=False):
    """Share of intervals that hold the true distance of unit normals that are shifted."""
    hits = 0
    for seed in range(simulations):
        generator = np.random.default_rng([seed, 3])
        x, y = clustered(generator, 60, 5, shift), clustered(generator, 300, 1, corpus="reference")
        if naive:
            x = ClusteredPoints(x.values, [str(n) for n in range(300)], "test")
        found = sample_drift(x, y, replicates=80, seed=seed).interval()
        hits += found.low <= shift <= found.high
    return hits / simulations


@pytest.mark.parametrize("shift", [0.0, 0.3, 1.0])
def test_interval_covers_the_true_distance(shift):
    """In 80 simulations: 0.95 less 3 standard errors."""
    assert coverage(shift, 80) >= 0.87


def test_interval_covers_where_few_dimensions_differ():
    """What does not differ adds all of its floor, which the correction does not take off."""
    shifts = np.array([0.0, 0, 0, 1, 1, 1])
    hits = 0
    for seed in range(60):
        generator = np.random.default_rng([seed, 4])
        x, y = clustered(generator, 60, 5, shifts), clustered(generator, 300, 1, corpus="r")
        found = sample_drift(x, y, replicates=80, seed=seed).interval()
        hits += found.low <= 0.5 <= found.high
    assert hits / 60 >= 0.88


def test_a_naive_interval_does_not():
    assert coverage(1.0, 80, naive=True) < 0.85


def test_without_drift_the_corrected_value_is_near_zero():
    """Two samples of one distribution: the distance is its floor, whatever their sizes."""
    generator = np.random.default_rng(7)
    found = [
        sample_drift(
            clustered(generator, 40, 3), clustered(generator, 300, 1, corpus="r"), seed=seed
        )
        for seed in range(30)
    ]
    distances, floors = ([getattr(one, name) for one in found] for name in ("distance", "floor"))
    assert np.mean(floors) == pytest.approx(np.mean(distances), rel=0.1)
    assert np.mean([one.square for one in found]) == pytest.approx(0, abs=0.1 * floors[0] ** 2 * 3)
    assert all(one.interval().low == 0 for one in found[:5])


def test_difference_of_two_detectors_on_the_same_trials_is_paired():
    """The second is the first, a little further: the difference is sure, the drifts are not."""
    generator = np.random.default_rng(8)
    x, y = clustered(generator, 60, 5, 1.0), clustered(generator, 300, 1, corpus="reference")
    near, far = (sample_drift(x.with_values(x.values + d), y) for d in (0, 0.05))
    assert near.interval().high > far.interval().low
    distances = [distance_over_rounds([one], trained=False) for one in (far, near)]
    estimate = difference_of_means(*distances)
    assert estimate.value == pytest.approx(far.distance - near.distance)
    assert estimate.p_value < 1e-6


def test_rounds_of_distances_by_hand():
    def drawn(distance, replicates):
        return SampledDrift(distance, 1.0, np.array(replicates), 50, 1.0, 0.5)

    rounds = distance_over_rounds([drawn(2.0, [3.0, 1.0]), drawn(3.0, [4.5, 2.0])], trained=True)
    assert rounds.values == pytest.approx([2, 3])
    # 3.75 and 1.5, about their mean.
    assert rounds.samples[""].deviations == pytest.approx([1.125, -1.125])
    assert rounds.clusters == 50


def test_upper_end_by_hand():
    """Replicates 1, 1 and 4: spread sqrt(2), skewness 1 / sqrt(2); far above the floor."""
    found = SampledDrift(100.0, 1.0, np.array([1.0, 1.0, 4.0]) + 98, 1000, 1.0, 0.0)
    t = t_quantile(999)
    reach = math.sqrt(2 * 1000 / 999) * (t - (t**2 - 1) / 6 / math.sqrt(2))
    assert found.interval().high == pytest.approx(100 + reach)


def test_upper_end_never_shrinks_to_nothing():
    """However far below its floor a distance lies: as 1.5 standard errors below it."""
    spread = np.array([-0.1, 0.1])
    highs = [
        SampledDrift(distance, 1.0, distance + spread, 50, 1.0, 0.5).interval().high
        for distance in (0.2, 0.8, 0.9, 1.0, 1.2)
    ]
    assert highs[0] == highs[1] > 0.1
    assert highs[1] < highs[2] < highs[3] < highs[4]


def test_drift_below_its_floor_is_zero():
    low = SampledDrift(0.5, 1.0, np.array([0.6, 0.7]), 50, 1.0, 0.5)
    assert (low.corrected, low.interval().low) == (0, 0)
    assert low.square == pytest.approx(-0.75)


@pytest.mark.parametrize("method", ["mean", "sliced", "exact", "ks", "kl"])
def test_every_method_has_an_interval_that_repeats(method):
    generator = np.random.default_rng(5)
    x = clustered(generator, 30, 2, shift=2.0, dimensions=3)
    y = clustered(generator, 80, 1, dimensions=3, corpus="reference")
    settings = {"method": method, "replicates": 40, "cap": 50, "projections": 20}
    measured = drift(x.values, y.values, **{k: v for k, v in settings.items() if k != "replicates"})
    found = sample_drift(x, y, **settings)
    assert found.distance == measured
    assert 0 < found.floor < measured
    interval = found.interval()
    assert 0 < interval.low < found.corrected < interval.high
    again = sample_drift(x, y, threads=2, **settings)
    assert np.array_equal(again.replicates, found.replicates)
    assert again.interval() == interval
    assert sample_drift(x, y, seed=1, **settings).interval() != interval
    wider = found.interval(0.99)
    assert wider.low < interval.low < interval.high < wider.high


def test_scale_free_drift_does_not_change_with_the_scale():
    generator = np.random.default_rng(6)
    x, y = clustered(generator, 30, 2, 1.0), clustered(generator, 50, 1, corpus="reference")
    one, other = (
        sample_drift(x.with_values(s * x.values), y.with_values(s * y.values)) for s in (1, 8)
    )
    assert other.corrected == pytest.approx(8 * one.corrected)
    assert other.corrected / other.spread == pytest.approx(one.corrected / one.spread)
    assert one.spread == pytest.approx(math.sqrt(y.values.var(axis=0).mean()))


def test_few_clusters_give_no_interval():
    generator = np.random.default_rng(9)
    x, y = clustered(generator, 9, 8), clustered(generator, 50, 1, corpus="reference")
    found = sample_drift(x, y)
    assert math.isnan(found.interval().low)
    assert found.clusters == 9
    assert not math.isnan(sample_drift(clustered(generator, 10, 8), y).interval().low)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"replicates": 1}, "1 replicates give no interval"),
        ({"test": lambda: ClusteredPoints(np.zeros((2, 2)), ["a"], "itw")}, "2 embeddings of itw"),
        (
            {"reference": lambda: ClusteredPoints(np.zeros((3, 5)), list("cde"), "asv19")},
            "2 dimensions but the reference has 5",
        ),
    ],
)
def test_bad_input_is_named(options, message):
    settings = {
        "test": lambda: ClusteredPoints(np.zeros((2, 2)), ["a", "b"], "itw"),
        "reference": lambda: ClusteredPoints(np.zeros((3, 2)), list("cde"), "asv19"),
        "replicates": 5,
        **options,
    }
    with pytest.raises(InputError, match=message):
        sample_drift(settings["test"](), settings["reference"](), replicates=settings["replicates"])
