"""Bootstrap over clusters: the same EER as repeated trials, draws that repeat."""

import math

import numpy as np
import pytest

from sdd.errors import InputError
from sdd.metrics import (
    RankedTrials,
    cluster_keys,
    poisson_weights,
    weight_chunks,
)
from sdd.metrics.error_rates import eer


def bootstrap_eer(trials, keys, replicates):
    """Replicates of an EER, by the weights that the table of intervals draws."""
    pieces = [trials.weighted_eers(weights) for weights in weight_chunks(keys, replicates)]
    return np.concatenate(pieces)


@pytest.mark.parametrize("ties", [False, True])
def test_weighted_eer_is_that_of_repeated_trials(ties):
    """Against `metrics.eer` on trials written out as often as they are drawn, a block and more."""
    generator = np.random.default_rng(4)
    for size in (4, 37, 256, 700):
        scores = generator.normal(size=size)
        if ties:
            scores = np.round(scores, 1)
        real = generator.random(size) < 0.4
        real[:2] = True, False
        units = generator.integers(0, 12, size)
        weights = poisson_weights(cluster_keys([str(n) for n in range(12)], seed=size), 0, 12)
        found = RankedTrials(scores, real, units).weighted_eers(weights)
        for row, value in zip(weights, found, strict=True):
            times = row[units]
            classes = [np.repeat(scores[c], times[c]) for c in (real, ~real)]
            if all(len(one) for one in classes):
                assert value == pytest.approx(eer(*classes)[0], abs=1e-12)
            else:
                assert math.isnan(value)


def test_all_scores_equal_is_chance():
    trials = RankedTrials(np.zeros(20), np.arange(20) < 8, np.arange(20))
    assert trials.weighted_eers(np.ones((1, 20), dtype=np.uint8)) == pytest.approx([0.5])


def test_draws_are_poisson_and_belong_to_the_cluster():
    keys = cluster_keys([f"source {n}" for n in range(300)], "dfe24", seed=7)
    weights = poisson_weights(keys, 0, 2000)
    assert weights.mean() == pytest.approx(1, abs=0.005)
    assert weights.var() == pytest.approx(1, abs=0.01)
    shares = np.bincount(weights.ravel(), minlength=5)[:5] / weights.size
    poisson = [math.exp(-1) / math.factorial(k) for k in range(5)]
    assert shares == pytest.approx(poisson, abs=0.002)
    # Neither replicates nor clusters resemble each other.
    assert abs(np.corrcoef(weights[:40]) - np.eye(40)).max() < 0.3
    assert abs(np.corrcoef(weights[:, :40].T) - np.eye(40)).max() < 0.1
    # The same draws whoever else is drawn, and however many at a time.
    assert (poisson_weights(keys[100:110], 0, 2000) == weights[:, 100:110]).all()
    assert (np.concatenate(list(weight_chunks(keys, 2000))) == weights).all()
    assert (poisson_weights(keys, 40, 13) == weights[40:53]).all()
    other = cluster_keys([f"source {n}" for n in range(300)], "itw", seed=7)
    assert (poisson_weights(other, 0, 100) != weights[:100]).mean() > 0.5


def test_standard_error_of_independent_trials():
    """Each trial its own cluster: the spread is that of theory, here 0.0065 by simulation."""
    generator = np.random.default_rng(0)
    size = 1500

    def draw():
        return np.concatenate([generator.normal(1, 1, size), generator.normal(-1, 1, size)])

    real = np.arange(2 * size) < size
    simulated = [eer(one[real], one[~real])[0] for one in (draw() for _ in range(300))]
    trials = RankedTrials(draw(), real, np.arange(2 * size))
    found = bootstrap_eer(trials, cluster_keys([str(n) for n in range(2 * size)]), 600)
    assert found.std() == pytest.approx(np.std(simulated), rel=0.15)


@pytest.mark.parametrize(
    ("scores", "real", "message"),
    [
        ([1.0, 2.0], [True, True], "no scores of fake trials"),
        ([1.0, 2.0], [False, False], "no scores of real trials"),
        ([1.0, math.nan], [True, False], "score of trial 2 is nan"),
        ([1.0], [True, False], "one of each a trial"),
    ],
)
def test_bad_trials_are_named(scores, real, message):
    with pytest.raises(InputError, match=message):
        RankedTrials(scores, real, [0, 1])
