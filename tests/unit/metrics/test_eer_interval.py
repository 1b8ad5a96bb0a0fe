"""The EER of one detector with its interval."""

import math

import numpy as np
import pytest

from sdd.errors import InputError
from sdd.metrics.eer_interval import eer_with_interval
from sdd.metrics.error_rates import eer


def trials(generator, clusters=200, shared=0.0):
    """One trial a cluster, half of them real, one deviate apart."""
    real = np.arange(clusters) < clusters // 2
    return np.where(real, 0.5, -0.5) + generator.normal(size=clusters), real


def test_the_value_is_the_eer_and_lies_inside():
    scores, real = trials(np.random.default_rng(0))
    found = eer_with_interval(scores, real, range(200))
    assert found.value == eer(scores[real], scores[~real])[0]
    assert 0 < found.low < found.value < found.high < 1


def test_the_interval_is_as_wide_as_eers_of_other_trials_spread():
    generator = np.random.default_rng(1)
    others = [trials(generator) for _ in range(400)]
    spread = np.std([eer(scores[real], scores[~real])[0] for scores, real in others])
    widths = [
        (found.high - found.low) / (2 * 1.97)
        for scores, real in others[:10]
        for found in [eer_with_interval(scores, real, range(200))]
    ]
    assert np.mean(widths) == pytest.approx(spread, rel=0.15)


def test_a_trial_that_is_repeated_in_its_cluster_says_nothing_new():
    scores, real = trials(np.random.default_rng(2))
    names = [f"speaker {number}" for number in range(200)]
    once = eer_with_interval(scores, real, names)
    ten = eer_with_interval(np.repeat(scores, 10), np.repeat(real, 10), np.repeat(names, 10))
    assert ten == once
    apart = eer_with_interval(np.repeat(scores, 10), np.repeat(real, 10), range(2000))
    assert apart.high - apart.low < 0.5 * (once.high - once.low)


def test_neither_the_order_of_trials_nor_a_rising_map_of_scores_counts():
    generator = np.random.default_rng(3)
    scores, real = trials(generator)
    order = generator.permutation(200)
    shuffled = eer_with_interval(np.exp(scores[order]), real[order], order)
    assert shuffled == eer_with_interval(scores, real, range(200))


def test_no_error_has_the_exact_bound():
    found = eer_with_interval(np.arange(40.0), np.arange(40) >= 20, range(40))
    # 2 (1 - u)^20 = 0.05
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 20))


def test_nine_clusters_of_a_class_have_no_interval():
    scores, real = trials(np.random.default_rng(4))
    few = [number % 9 if of_real else number for number, of_real in enumerate(real)]
    found = eer_with_interval(scores, real, few)
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_errors_say_what_is_wrong():
    with pytest.raises(InputError, match=r"There are 0 replicates: one at least is needed\."):
        eer_with_interval([0, 1], [False, True], [0, 1], replicates=0)
    with pytest.raises(InputError, match=r"give one of each a trial"):
        eer_with_interval([0, 1], [False, True], [0])
