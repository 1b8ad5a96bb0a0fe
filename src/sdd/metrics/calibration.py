"""How good scores are as log-likelihood ratios, whatever the prior and the costs.

    Cllr = 1/2 (mean over real trials of log2(1 + e^-s) + mean over fake trials of log2(1 + e^s))

in bits [1]_, s a natural-log likelihood ratio. 0 is perfect, 1 what scores of 0 throughout get, and
confident errors cost without limit. Cllr_min is the least that a rising function of the scores can
reach: Cllr - Cllr_min is lost to calibration, Cllr_min to discrimination.

References
----------
.. [1] N. Brümmer and J. du Preez, "Application-independent evaluation of speaker detection",
   Computer Speech & Language 20, 2006.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sdd.metrics.error_rates import class_scores
from sdd.metrics.operating_points import Counts, operating_points

_WORTH_A_PASS = 0.9


def cllr(real_llrs: ArrayLike, fake_llrs: ArrayLike) -> float:
    """Compute the cost of log-likelihood ratios (Cllr).

    Parameters
    ----------
    real_llrs, fake_llrs
        ``float [n_real]`` and ``float [n_fake]``, in nats.

    Returns
    -------
    float
        Bits, 0 or more.

    Raises
    ------
    InputError
        If a class has no scores, or a score is not finite.
    """
    real, fake = class_scores(real_llrs, "real"), class_scores(fake_llrs, "fake")
    # logaddexp(0, x) is log(1 + e^x), without overflow.
    of_real, of_fake = np.logaddexp(0, -real).mean(), np.logaddexp(0, fake).mean()
    return float(of_real + of_fake) / (2 * math.log(2))


def cllr_min(real_scores: ArrayLike, fake_scores: ArrayLike) -> float:
    """Compute the Cllr of scores after the best calibration that keeps their order.

    Only the order matters: a rising function of the scores leaves it as it is.

    Parameters
    ----------
    real_scores, fake_scores
        ``float [n_real]`` and ``float [n_fake]``: any unit; higher means more likely real.

    Returns
    -------
    float
        Bits, 0 to 1.

    Raises
    ------
    InputError
        If a class has no scores, or a score is not finite.

    Notes
    -----
    The best calibration gives all trials of a bin of the pool-adjacent-violators algorithm the
    bin's own likelihood ratio. Those bins are the edges of the convex hull below the curve of
    rejected real over rejected fake trials, which is found in whole numbers.
    """
    in_bin_real, in_bin_fake = calibration_bins(real_scores, fake_scores)
    real, fake = in_bin_real / in_bin_real.sum(), in_bin_fake / in_bin_fake.sum()
    return float(_mean_bits(real, fake) + _mean_bits(fake, real)) / 2


def calibration_bins(real_scores: ArrayLike, fake_scores: ArrayLike) -> tuple[Counts, Counts]:
    """Pool trials into bins of rising likelihood ratio (pool adjacent violators).

    Returns
    -------
    real, fake
        ``int64 [n_bins]``: trials of each class in each bin, by rising score; their quotient
        strictly rises.

    Raises
    ------
    InputError
        If a class has no scores, or a score is not finite.
    """
    rejected_real, rejected_fake = operating_points(real_scores, fake_scores)
    fake = np.append(rejected_fake, rejected_fake[-1])
    real = np.append(rejected_real, np.size(real_scores))
    kept = _lower_hull(fake, real)
    return np.diff(real[kept]), np.diff(fake[kept])


def _mean_bits(share: NDArray[np.float64], other: NDArray[np.float64]) -> np.float64:
    """Return the mean over one class of log2(1 + other / share); a bin without it counts for 0."""
    there = share > 0
    return np.sum(share[there] * np.log2(1 + other[there] / share[there]))


def _lower_hull(x: Counts, y: Counts) -> NDArray[np.intp]:
    """Return the positions of the points on the lower convex hull of a rising curve.

    A point on or above the line between its two neighbours is on no hull, whatever becomes of
    those: all such points go at once, again and again. When few go, one scan does the rest, so
    that no input takes more than linear time.
    """
    kept = np.arange(x.size)
    while kept.size > 2:
        convex = np.concatenate([[True], _turns_left(x[kept], y[kept]), [True]])
        before, kept = kept.size, kept[convex]
        if kept.size >= _WORTH_A_PASS * before:
            break
    return _scan(x, y, kept)


def _turns_left(x: Counts, y: Counts) -> NDArray[np.bool_]:
    """Tell of each inner point whether the curve turns to the left there."""
    dx, dy = np.diff(x), np.diff(y)
    return dx[:-1] * dy[1:] > dy[:-1] * dx[1:]


def _scan(x: Counts, y: Counts, positions: NDArray[np.intp]) -> NDArray[np.intp]:
    """Find the hull of some of the points from left to right (Andrew's monotone chain)."""
    hull: list[int] = []
    points: list[tuple[int, int]] = []
    columns = positions.tolist(), x[positions].tolist(), y[positions].tolist()
    for position, px, py in zip(*columns, strict=True):
        while len(points) > 1:
            (ax, ay), (bx, by) = points[-2:]
            if (bx - ax) * (py - by) > (by - ay) * (px - bx):
                break
            points.pop()
            hull.pop()
        points.append((px, py))
        hull.append(position)
    return np.array(hull, dtype=np.intp)
