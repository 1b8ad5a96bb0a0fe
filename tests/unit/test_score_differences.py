"""Flips of decisions, by hand and by a distribution that is known."""

import math

import numpy as np
import pytest

from benchmarks.score_differences import compare, most, rate_and_threshold

REAL = np.array([True] * 5 + [False] * 5)
SCORES = np.array([1.0, 4, 5, 6, 7, 0, 0.5, 1.5, 2, 4.5])
SOURCES = [str(number) for number in range(10)]
"""At a threshold of 3: one real trial of five below, one fake one above."""


def test_the_threshold_is_halfway_to_the_next_score():
    rate, threshold = rate_and_threshold(SCORES, REAL)
    assert (rate, threshold) == (0.2, 3.0)


def test_flips_by_hand():
    other = SCORES.copy()
    other[[1, 8]] = [2.9, 3.1]  # a real one falls below the threshold, a fake one rises above
    found = compare(SCORES, other, REAL, SOURCES)
    assert found.flips == 2
    assert found.eer == pytest.approx(40.0)
    assert found.difference.value == pytest.approx(20.0)
    assert not found.passes
    moved = np.array([-1.1, 1.1] + [0] * 8)
    assert found.perturbation == pytest.approx(moved.std() / SCORES.std())
    # Moved all alike, nothing flips at a threshold of its own.
    shifted = compare(SCORES, SCORES + 2.1, REAL, SOURCES)
    assert (shifted.flips, shifted.flips_of_own) == (3, 0)  # 1, 1.5 and 2
    assert shifted.difference.value == 0


def test_the_same_scores_flip_nothing():
    found = compare(SCORES, SCORES, REAL, SOURCES)
    assert (found.flips, found.expected, found.perturbation, found.passes) == (0, 0, 0, True)
    assert (found.difference.low, found.difference.high) == (0, 0)


def test_expected_flips_are_those_that_occur():
    """Two normal classes at distance 2, perturbed by 0.01: n f E|d|, in closed form."""
    generator, count = np.random.default_rng(0), 400_000
    real = np.arange(count) % 2 == 0
    scores = generator.standard_normal(count) + np.where(real, 1.0, -1.0)
    moved = scores + 0.01 * generator.standard_normal(count)
    found = compare(scores, moved, real, [str(number // 400) for number in range(count)])
    density = math.exp(-1 / 2) / math.sqrt(2 * math.pi)
    assert found.density == pytest.approx(density * scores.std(), rel=0.03)
    expected = count * density * 0.01 * math.sqrt(2 / math.pi)
    assert found.expected == pytest.approx(expected, rel=0.03)
    assert found.flips == pytest.approx(expected, abs=4 * math.sqrt(expected))
    assert found.difference.low < 0 < found.difference.high
    assert found.difference.high - found.difference.low < 0.05


def test_most_flips_where_none_were_seen():
    """1 - 0.025 ** (1 / n) is the exact bound."""
    assert most(0, 1000) == pytest.approx(1 - 0.025 ** (1 / 1000))
    assert most(7, 7) == 1.0
