"""Distances of one-dimensional distributions other than Wasserstein's, dimension by dimension."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

BINS = 20
"""Of the relative entropy: each holds a twentieth of both sets' points, ties apart."""
_PRIOR = 0.5
"""Points that are added to each bin (Jeffreys): an empty bin would be infinitely surprising."""


def kolmogorov_smirnov(
    x: NDArray[Any], y: NDArray[Any], weights_x: FloatArray, weights_y: FloatArray
) -> FloatArray:
    """Average over dimensions the largest difference of two distribution functions.

    Parameters
    ----------
    x, y
        ``float [n, d]`` and ``float [m, d]``: two sets of points.
    weights_x, weights_y
        ``float64 [b, n]`` and ``float64 [b, m]``: of the points in each of b weightings, of sum 1.

    Returns
    -------
    ``float64 [b]``
        From 0 to 1.
    """
    signed = np.concatenate([weights_x, -weights_y], axis=1)
    total = np.zeros(len(signed))
    for values in np.concatenate([x, y]).T:
        order = np.argsort(values, kind="stable")
        # Equal values are one step: the difference counts after the last of them.
        last = np.append(np.diff(values[order]) > 0, True)
        steps = np.cumsum(signed[:, order], axis=1)[:, last]
        total += np.abs(steps).max(axis=1)
    means: FloatArray = total / x.shape[1]
    return means


def relative_entropy(
    x: NDArray[Any], y: NDArray[Any], weights_x: FloatArray, weights_y: FloatArray
) -> FloatArray:
    """Average over dimensions the Kullback-Leibler divergence of x from y.

    KL(x || y) = sum over bins of p ln(p / q), with bins between the quantiles of both sets together
    and p = (n share + 1/2) / (n + bins / 2), so that none is empty.

    Parameters
    ----------
    x, y, weights_x, weights_y
        As for `kolmogorov_smirnov`.

    Returns
    -------
    ``float64 [b]``
        In nats, 0 or more.
    """
    total = np.zeros(len(weights_x))
    for column in range(x.shape[1]):
        pooled = np.concatenate([x[:, column], y[:, column]])
        # Values that occur, and none for the largest: above it nothing lies.
        edges = np.unique(np.quantile(pooled, np.arange(1, BINS) / BINS, method="inverted_cdf"))
        edges = edges[edges < pooled.max()]
        p, q = (
            _shares(points[:, column], weights, edges)
            for points, weights in ((x, weights_x), (y, weights_y))
        )
        total += (p * np.log(p / q)).sum(axis=1)
    means: FloatArray = total / x.shape[1]
    return means


def _shares(values: NDArray[Any], weights: FloatArray, edges: NDArray[Any]) -> FloatArray:
    """Estimate the probability of each bin: ``float64 [b, bins]``."""
    bins = len(edges) + 1
    member = np.searchsorted(edges, values, side="left")[:, None] == np.arange(bins)
    counts = len(values) * (weights @ member.astype(np.float64))
    shares: FloatArray = (counts + _PRIOR) / (len(values) + _PRIOR * bins)
    return shares
