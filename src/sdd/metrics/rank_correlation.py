"""Rank correlations of points that come in groups, and their intervals.

Points along one run of training depend on each other: whole groups are left out, never points. All
of it is a function of how often each point counts, so that all parts of a jackknife are one product
of matrices.
"""

import math
from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sdd.errors import InputError
from sdd.metrics.rounds import t_quantile

FloatArray = NDArray[np.float64]
Correlation = Callable[[ArrayLike, ArrayLike, NDArray[np.float64] | None], FloatArray]

LEAST_GROUPS = 4
"""With fewer an interval would reach from one end to the other."""
_NEARLY_ONE = 1 - 1e-9


def spearman(x: ArrayLike, y: ArrayLike, weights: FloatArray | None = None) -> FloatArray:
    """Return Spearman's rho: Pearson's correlation of ranks, equal values sharing their mean rank.

    Parameters
    ----------
    x, y
        ``float [n]``; finite.
    weights
        ``float [b, n]``: how often each point counts, in each of b weightings; by default once.

    Returns
    -------
    ``float64 [b]``
        From -1 to 1; NaN where all of x or all of y are one value.
    """
    first, second, counts = _checked(x, y, weights)
    ranks = [_ranks(values, counts) for values in (first, second)]
    total = counts.sum(axis=1, keepdims=True)
    centred = [rank - (counts * rank).sum(axis=1, keepdims=True) / total for rank in ranks]
    products = [
        (counts * one * other).sum(axis=1)
        for one, other in ((centred[0], centred[1]), (centred[0], centred[0]), (centred[1],) * 2)
    ]
    return _ratio(products[0], products[1], products[2])


def kendall(x: ArrayLike, y: ArrayLike, weights: FloatArray | None = None) -> FloatArray:
    """Return Kendall's tau-b: (C - D) / sqrt((P - T_x) (P - T_y)).

    C and D count the pairs of points that x and y order alike and unlike, P all pairs, T_x and T_y
    those that are equal in x and in y.

    Parameters and result are those of `spearman`.
    """
    first, second, counts = _checked(x, y, weights)
    signs = [np.sign(values[:, None] - values[None, :]) for values in (first, second)]

    def pairs(matrix: FloatArray) -> FloatArray:
        # Each pair twice, in all three sums.
        found: FloatArray = ((counts @ matrix) * counts).sum(axis=1)
        return found

    return _ratio(pairs(signs[0] * signs[1]), pairs(np.abs(signs[0])), pairs(np.abs(signs[1])))


def correlation_interval(
    correlation: Correlation,
    x: ArrayLike,
    y: ArrayLike,
    groups: Sequence[Hashable],
    *,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Return the confidence interval of a correlation r by the jackknife over groups.

    tanh(z -+ t e) with z = artanh(r) (Fisher), t the quantile of Student's t with G - 1 degrees of
    freedom, and e^2 = (G - 1) / G sum over groups of (z_g - mean)^2, z_g without group g [1]_.
    Groups are taken to be independent of each other. A percentile bootstrap over groups holds the
    truth less often where groups are few (docs/benchmarks.md).

    Parameters
    ----------
    correlation
        `spearman` or `kendall`.
    x, y
        ``float [n]``.
    groups
        Of each point, G in all.

    Returns
    -------
    low, high
        Both NaN with fewer than `LEAST_GROUPS` groups, or where the correlation has no value, be it
        without some group.

    References
    ----------
    .. [1] B. Efron, "The jackknife, the bootstrap and other resampling plans", SIAM, 1982.
    """
    names = list(dict.fromkeys(groups))
    if len(names) < LEAST_GROUPS:
        return math.nan, math.nan
    member = np.array([names.index(group) for group in groups], dtype=np.intp)
    without = (member[None, :] != np.arange(len(names))[:, None]).astype(np.float64)
    # The first row has all groups; what is perfectly ordered would be infinite.
    values = correlation(x, y, np.concatenate([np.ones((1, len(member))), without]))
    z = np.arctanh(np.clip(values, -_NEARLY_ONE, _NEARLY_ONE))
    spread = ((z[1:] - z[1:].mean()) ** 2).sum()
    reach = t_quantile(len(names) - 1, confidence) * math.sqrt(
        (len(names) - 1) / len(names) * spread
    )
    low, high = math.tanh(z[0] - reach), math.tanh(z[0] + reach)
    return min(low, float(values[0])), max(high, float(values[0]))


def _ranks(values: FloatArray, counts: FloatArray) -> FloatArray:
    """Return the mean ranks of points of which each counts so often: ``float64 [b, n]``."""
    below = (values[:, None] < values[None, :]).astype(np.float64)
    equal = (values[:, None] == values[None, :]).astype(np.float64)
    ranks: FloatArray = counts @ below + (counts @ equal + 1) / 2
    return ranks


def _ratio(product: FloatArray, first: FloatArray, second: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio: FloatArray = product / np.sqrt(first * second)
    # Rounding may leave more than one.
    return np.clip(np.where(first * second > 0, ratio, np.nan), -1.0, 1.0)


def _checked(
    x: ArrayLike, y: ArrayLike, weights: FloatArray | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    first, second = (np.asarray(values, dtype=np.float64) for values in (x, y))
    if first.ndim != 1 or first.shape != second.shape or first.size < 2:
        raise InputError(
            f"Values of shapes {first.shape} and {second.shape}: a rank correlation needs two of "
            "each point, and two points or more."
        )
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise InputError("A value of a rank correlation is not finite: leave its point out.")
    return first, second, np.ones((1, first.size)) if weights is None else weights
