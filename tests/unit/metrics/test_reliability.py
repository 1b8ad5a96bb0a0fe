"""Stated beside found probabilities: by hand, and on ratios that are true."""

import math

import numpy as np
import pytest

from sdd.metrics.reliability import reliability


def test_by_hand():
    """Two values: log 3 for three of four real and one of two fake, -log 3 for the others.

    Stated to be fake 1/4 and 3/4; of weights 3/8 and 1/4 a share of 2/5, of 1/8 and 1/4 of 2/3.
    """
    high, low = math.log(3), -math.log(3)
    stated, found = reliability([high, high, high, low], [high, low])
    assert stated.tolist() == pytest.approx([0.25, 0.75])
    assert found.tolist() == pytest.approx([0.4, 2 / 3])


def test_true_ratios_come_true():
    generator = np.random.default_rng(0)
    real, fake = generator.normal(2, 2, 200_000), generator.normal(-2, 2, 20_000)
    stated, found = reliability(real, fake)
    assert len(stated) == 10
    assert (np.diff(stated) > 0).all()
    np.testing.assert_allclose(found, stated, atol=0.02)
    # Ratios that are twice as sure do not.
    stated, found = reliability(2 * real, 2 * fake)
    assert np.abs(found - stated).max() > 0.1


def test_equal_ratios_are_one_bin():
    stated, found = reliability([0, 0], [0])
    assert (stated.tolist(), found.tolist()) == ([0.5], [0.5])
