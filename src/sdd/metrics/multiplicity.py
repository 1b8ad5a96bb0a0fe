"""Many tests at once: what a p value is worth when it is one of several."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


def holm(p_values: ArrayLike) -> FloatArray:
    """Adjust p values for the number of comparisons (Holm's step-down procedure).

    Parameters
    ----------
    p_values
        ``float [m]``: NaN where there is no test; such entries do not count.

    Returns
    -------
    ``float64 [m]``
        min(1, max over smaller p of (m - rank) p), rank from 0.
    """
    values = np.asarray(p_values, dtype=np.float64)
    adjusted: FloatArray = np.full(values.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    steps = values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps))
    return adjusted


def partial_conjunction(p_values: ArrayLike, at_least: int) -> float:
    """Test that at least so many of several effects are there.

    With p values in ascending order it is (m - u + 1) p_(u) [1]_, whatever their dependence: were
    fewer than u effects there, one of the m - u + 1 largest p values would have to be small by
    chance. With u = m, all effects, it is the largest p value: an intersection needs no correction.

    Parameters
    ----------
    p_values
        ``float [m]``, m at least 1.
    at_least
        u, from 1 to m.

    References
    ----------
    .. [1] Y. Benjamini, R. Heller, "Screening for partial conjunction hypotheses", Biometrics 64,
       2008.
    """
    values = np.sort(np.asarray(p_values, dtype=np.float64))
    return min(1.0, (len(values) - at_least + 1) * float(values[at_least - 1]))
