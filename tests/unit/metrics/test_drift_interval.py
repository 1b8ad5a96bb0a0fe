"""Intervals and floors of drift: coverage on simulated sources, repetition, bad input."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from sdd.errors import InputError
from sdd.metrics.drift import drift, wasserstein_per_dimension
from sdd.metrics.drift_interval import (
    _source_weights,
    _weighted_drifts,
    drift_interval,
    same_distribution_floor,
)


def clustered(generator, sources, each, shift=0.0, dimensions=6):
    """Standard normal points, four fifths of whose variance their source shares."""
    shared = np.repeat(generator.normal(size=(sources, dimensions)), each, axis=0)
    own = generator.normal(size=shared.shape)
    return (2 * shared + own) / np.sqrt(5) + shift, np.repeat(np.arange(sources), each)


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
        found = _weighted_drifts(x, y, weights_x, weights_y, threads)
        assert found == pytest.approx(expected, rel=1e-9)


def test_equal_weights_give_the_drift():
    generator = np.random.default_rng(1)
    x, y = generator.normal(size=(40, 70)), generator.normal(size=(57, 70))
    equal = _weighted_drifts(x, y, np.full((1, 40), 1 / 40), np.full((1, 57), 1 / 57), 1)
    assert equal == pytest.approx([wasserstein_per_dimension(x, y).mean()], rel=1e-12)


def test_sources_are_drawn_whole():
    groups = np.array([0, 0, 0, 1, 2, 2])
    weights = _source_weights(groups, 500, np.random.default_rng(0))
    assert weights.sum(axis=1) == pytest.approx(1)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 4] == weights[:, 5]).all()
    # Three are drawn: each once gives every point 1/6, the first thrice 1/3 to each of its own.
    assert (np.isclose(weights, 1 / 6).all(axis=1)).any()
    assert (np.isclose(weights, [1 / 3, 1 / 3, 1 / 3, 0, 0, 0]).all(axis=1)).any()


def coverage(simulations, **options):
    """Share of intervals that hold the true distance of unit normals that are 1 apart: 1."""
    generator = np.random.default_rng(3)
    hits = 0
    for seed in range(simulations):
        x, sources = clustered(generator, 60, 5, shift=1.0)
        if options.get("naive"):
            sources = np.arange(len(x))
        y, reference_sources = clustered(generator, 300, 1)
        low, high = drift_interval(x, sources, y, reference_sources, replicates=100, seed=seed)
        hits += low <= 1 <= high
    return hits / simulations


def test_interval_covers_the_true_distance_where_a_naive_one_does_not():
    """In 200 simulations: 0.95 -+ 2.6 standard errors; less than 0.85 if sources are split."""
    assert 0.91 <= coverage(200) <= 0.99
    assert coverage(200, naive=True) < 0.85


def test_bias_of_small_sets_is_taken_off():
    """Scales 1 and 1.3, 60 sources: the drift itself is too large by a seventh."""
    generator = np.random.default_rng(4)
    centres, drifts = [], []
    for seed in range(60):
        x, sources = clustered(generator, 60, 5)
        y, reference_sources = clustered(generator, 300, 1)
        centres.append(np.mean(drift_interval(1.3 * x, sources, y, reference_sources, seed=seed)))
        drifts.append(drift(1.3 * x, y))
    true = 0.3 * np.sqrt(2 / np.pi)
    assert np.mean(drifts) > true + 0.025
    assert np.mean(centres) == pytest.approx(true, abs=0.02)


@pytest.mark.parametrize("method", ["mean", "sliced", "exact"])
def test_every_method_has_an_interval_that_repeats(method):
    generator = np.random.default_rng(5)
    x, sources = clustered(generator, 30, 2, shift=2.0, dimensions=3)
    y, reference_sources = clustered(generator, 80, 1, dimensions=3)
    settings = {"method": method, "replicates": 40, "cap": 50, "projections": 20}
    measured = drift(x, y, **{k: v for k, v in settings.items() if k != "replicates"})
    low, high = drift_interval(x, sources, y, reference_sources, **settings)
    assert 0 < low < high
    assert low < measured < high + 0.3 * measured
    assert (low, high) == drift_interval(x, sources, y, reference_sources, threads=2, **settings)
    assert (low, high) != drift_interval(x, sources, y, reference_sources, seed=1, **settings)
    wider = drift_interval(x, sources, y, reference_sources, confidence=0.99, **settings)
    assert wider[0] < low < high < wider[1]


def test_names_of_sources_do_not_matter():
    generator = np.random.default_rng(6)
    x, sources = clustered(generator, 12, 3)
    names = np.array([f"recording {number:02}" for number in sources])
    y, _ = clustered(generator, 20, 1)
    by_number = drift_interval(x, sources, y, np.arange(20))
    assert by_number == drift_interval(x, names, y, np.arange(20))


def test_one_source_gives_no_interval_and_no_floor():
    x, y = np.zeros((3, 2)), np.ones((4, 2))
    assert np.isnan(drift_interval(x, ["a"] * 3, y, list("bcde"))).all()
    assert np.isnan(same_distribution_floor(x, ["a"] * 3))


def test_floor_by_hand():
    """Two sources at 0 and 3: whichever half is which, 3 apart."""
    points = np.array([[0.0], [0.0], [3.0]])
    assert same_distribution_floor(points, ["a", "a", "b"]) == 3
    # Sources are not split: were they, some divisions would give less.
    assert same_distribution_floor(points, ["a", "b", "c"], splits=50) < 3


def test_floor_is_what_samples_of_one_distribution_give():
    generator = np.random.default_rng(7)
    y, sources = clustered(generator, 400, 1)
    floor = same_distribution_floor(y, sources)
    fresh = [
        drift(clustered(generator, 200, 1)[0], clustered(generator, 200, 1)[0]) for _ in range(20)
    ]
    assert floor == pytest.approx(np.mean(fresh), rel=0.15)
    assert floor == same_distribution_floor(y, sources)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"replicates": 1}, "1 replicates at a confidence of 0.95"),
        ({"confidence": 95}, "confidence of 95 give no interval"),
        ({"sources": ["a"]}, r"Of the test set 2 embeddings and sources of shape \(1,\)"),
        ({"reference_sources": ["a"]}, "Of the reference set 3 embeddings"),
        ({"reference": np.zeros((3, 5))}, "2 dimensions but the reference has 5"),
    ],
)
def test_bad_input_is_named(options, message):
    settings = {
        "embeddings": np.zeros((2, 2)),
        "sources": ["a", "b"],
        "reference": np.zeros((3, 2)),
        "reference_sources": ["c", "d", "e"],
    }
    with pytest.raises(InputError, match=message):
        drift_interval(**{**settings, **options})
