"""The fit on scores whose likelihood ratios are known, by hand where it can be, and its limits."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdd.metrics.affine_calibration import (
    AffineMap,
    WeighedCost,
    fit_affine_map,
    probability_of_fake,
)
from sdd.metrics.calibration import cllr

SCALE, OFFSET = 0.7, 1.5


def draw(generator, deviation, count):
    """Draw scores s of both classes whose log-likelihood ratio is known: (s - 1.5) / 0.7.

    Two normal distributions of one deviation d and means d²/2 and -d²/2 have the value itself as
    log-likelihood ratio.
    """
    mean = deviation**2 / 2
    ratios = (generator.normal(sign * mean, deviation, count) for sign in (1, -1))
    return [OFFSET + SCALE * one for one in ratios]


# At 4 the EER is 2.3 % and the ideal cost 0.087 bits: 1,000 trials of a class then leave 1.2 %.
@pytest.mark.parametrize(
    ("deviation", "count"), [(0.5, 1000), (1, 1000), (2, 1000), (2, 20_000), (4, 20_000)]
)
def test_cost_is_within_one_percent_of_that_of_the_true_ratios(deviation, count):
    generator = np.random.default_rng(count)
    found = fit_affine_map(*draw(generator, deviation, count))
    real, fake = draw(generator, deviation, 100_000)
    ideal = cllr((real - OFFSET) / SCALE, (fake - OFFSET) / SCALE)
    assert cllr(found(real), found(fake)) < 1.01 * ideal
    assert found.scale > 0


def test_one_class_may_be_a_tenth_of_the_other():
    generator = np.random.default_rng(1)
    real, _ = draw(generator, 2, 2000)
    _, fake = draw(generator, 2, 20_000)
    found = fit_affine_map(real, fake)
    assert found.scale * SCALE == pytest.approx(1, abs=0.05)
    assert found.offset + found.scale * OFFSET == pytest.approx(0, abs=0.1)


def test_by_hand():
    """One real trial at 1 and one fake one at -1 count as 2/3 of their own class.

    By symmetry the offset is 0, and the cost 2/3 log(1 + e^-a) + 1/3 log(1 + e^a) is least where
    1 / (1 + e^-a) = 2/3: a = log 2.
    """
    found = fit_affine_map([1], [-1])
    assert found.scale == pytest.approx(math.log(2), abs=1e-6)
    assert found.offset == pytest.approx(0, abs=1e-6)


def test_classes_that_a_threshold_separates_have_finite_ratios():
    found = fit_affine_map(np.linspace(5, 6, 100), np.linspace(-6, -5, 100))
    # No surer than 101 trials to 1, at any of them on average.
    assert 0 < found(5.5) < 1.1 * math.log(101)


@pytest.mark.parametrize(("real", "fake"), [([1, 2, 3], [2, 3, 4]), ([1, 1], [1, 1]), ([2], [2])])
def test_scores_that_tell_nothing_say_nothing(real, fake):
    assert fit_affine_map(real, fake) == AffineMap(0.0, 0.0)


def test_units_do_not_matter():
    generator = np.random.default_rng(2)
    real, fake = draw(generator, 2, 300)
    found, other = fit_affine_map(real, fake), fit_affine_map(1e6 * real + 1e8, 1e6 * fake + 1e8)
    np.testing.assert_allclose(other(1e6 * real + 1e8), found(real), rtol=1e-6, atol=1e-6)


def test_the_prior_weighs_the_classes():
    """Where both classes are as assumed, any prior finds the same map; else one of its own."""
    generator = np.random.default_rng(3)
    real, fake = draw(generator, 2, 30_000)
    for prior in (0.05, 0.5, 0.95):
        found = fit_affine_map(real, fake, prior)
        assert found.scale * SCALE == pytest.approx(1, abs=0.06)
        assert found.offset + found.scale * OFFSET == pytest.approx(0, abs=0.15)
    bent = np.where(fake > 0, 3 * fake, fake)
    costs = []
    for prior in (0.05, 0.5, 0.95):
        cost = WeighedCost(real, bent, 0.95)
        found = fit_affine_map(real, bent, prior)
        costs.append(cost.value(np.array([found.scale, found.offset])))
    assert costs[2] < costs[1] < costs[0]


numbers = st.lists(st.floats(-20, 20, allow_subnormal=False), min_size=1, max_size=12)


@given(numbers, numbers, st.floats(0.01, 0.99), st.floats(-3, 3), st.floats(-3, 3))
def test_derivatives_and_convexity(real, fake, prior, scale, offset):
    cost = WeighedCost(np.array(real), np.array(fake), prior)
    at, step = np.array([scale, offset]), 1e-6
    for place in range(2):
        move = step * np.eye(2)[place]
        slope = (cost.value(at + move) - cost.value(at - move)) / (2 * step)
        assert cost.gradient(at)[place] == pytest.approx(slope, rel=1e-5, abs=1e-6)
        bend = (cost.gradient(at + move) - cost.gradient(at - move)) / (2 * step)
        np.testing.assert_allclose(cost.hessian(at)[place], bend, rtol=1e-4, atol=1e-5)
    assert np.linalg.eigvalsh(cost.hessian(at)).min() >= -1e-9


@given(numbers, numbers, st.floats(0.05, 0.95))
def test_it_never_falls_and_no_step_from_it_is_better(real, fake, prior):
    found = fit_affine_map(real, fake, prior)
    assert found.scale >= 0
    cost = WeighedCost(np.array(real), np.array(fake), prior)
    least = cost.value(np.array([found.scale, found.offset]))
    if found.scale > 0:
        for move in (0.01, -0.01):
            assert cost.value(np.array([found.scale * (1 + move), found.offset])) >= least - 1e-9
            assert cost.value(np.array([found.scale, found.offset + move])) >= least - 1e-9


def test_a_fit_is_the_same_every_time():
    generator = np.random.default_rng(4)
    real, fake = draw(generator, 2, 500)
    assert fit_affine_map(real, fake) == fit_affine_map(real, fake)


def test_bayes_rule():
    """A ratio of 9 to 1 for real: at a prior of 9 fakes in 10 the odds are even."""
    assert probability_of_fake(math.log(9), 0.9) == pytest.approx(0.5)
    assert probability_of_fake([0, 1000, -1000], 0.2).tolist() == pytest.approx([0.2, 0, 1])
