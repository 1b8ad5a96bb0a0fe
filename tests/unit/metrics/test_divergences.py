"""Kolmogorov-Smirnov and Kullback-Leibler by dimension, against scipy and by hand."""

import numpy as np
import pytest
from scipy import stats

from sdd.metrics.divergences import kolmogorov_smirnov, relative_entropy
from sdd.metrics.drift import drift


def equal(points):
    return np.full((1, len(points)), 1 / len(points))


def test_kolmogorov_smirnov_equals_scipy():
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(31, 3)), generator.normal(0.4, 2, size=(23, 3))
    x[5] = x[9] = y[4]  # ties, between the sets too
    expected = np.mean([stats.ks_2samp(a, b).statistic for a, b in zip(x.T, y.T, strict=True)])
    assert kolmogorov_smirnov(x, y, equal(x), equal(y)) == pytest.approx([expected])
    assert drift(x, y, method="ks") == pytest.approx(expected)
    assert drift(x, 5 + np.abs(y) + x.max(), method="ks") == pytest.approx(1)


def test_weights_are_repetitions():
    generator = np.random.default_rng(1)
    x, y = generator.normal(size=(6, 2)), generator.normal(1, 1, size=(5, 2))
    times = np.array([2, 0, 1, 3, 1, 1])
    repeated = np.repeat(x, times, axis=0)
    weighted = kolmogorov_smirnov(x, y, times[None] / times.sum(), equal(y))
    assert weighted == pytest.approx(kolmogorov_smirnov(repeated, y, equal(repeated), equal(y)))


def test_relative_entropy_by_hand():
    """Two values are two bins, and half a point is added to each.

    x has 3 of 4 points in the upper one, y 2 of 4: p = (1.5, 3.5) / 5, q = (2.5, 2.5) / 5.
    """
    x, y = np.array([[0.0], [1.0], [1.0], [1.0]]), np.array([[0.0], [0.0], [1.0], [1.0]])
    p, q = np.array([1.5, 3.5]) / 5, np.array([0.5, 0.5])
    found = relative_entropy(x, y, equal(x), equal(y))
    assert found == pytest.approx([(p * np.log(p / q)).sum()])
    assert drift(y, y, method="kl") == 0


def test_relative_entropy_nears_that_of_normals():
    """KL(N(1, 1) || N(0, 1)) = 1/2; bins lose some of it."""
    generator = np.random.default_rng(2)
    x, y = generator.normal(1, 1, size=(20_000, 1)), generator.normal(size=(20_000, 1))
    assert drift(x, y, method="kl") == pytest.approx(0.5, abs=0.04)


def test_both_ignore_the_scale_of_embeddings():
    generator = np.random.default_rng(3)
    x, y = generator.normal(1, 1, size=(200, 4)), generator.normal(size=(300, 4))
    for method in ("ks", "kl"):
        assert drift(7 * x, 7 * y, method=method) == pytest.approx(drift(x, y, method=method))
