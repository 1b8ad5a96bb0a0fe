"""Tests of one detector against another on the same trials, and of many pairs at once."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sdd.errors import InputError
from sdd.metrics.bootstrap import FloatArray
from sdd.metrics.error_rates import eer

PERMUTATIONS = 10_000

# Exchanges held at a time, times sources: bounds the memory.
_CHUNK = 2**22


def errors_by_source(
    scores: ArrayLike, real: ArrayLike, sources: ArrayLike, count: int
) -> FloatArray:
    """Split an EER into what each source contributes to it.

    Parameters
    ----------
    scores
        ``float [n]``: higher means more likely real.
    real
        ``bool [n]``: which trials are real; both classes must occur.
    sources
        ``int [n]``: number of each trial's source, from 0.

    Returns
    -------
    ``float64 [count]``
        Errors at the detector's own EER threshold, each over twice the number of trials of its
        class: fractions that add up to the EER.
    """
    values, labels = np.asarray(scores, dtype=np.float64), np.asarray(real, dtype=bool)
    _, threshold = eer(values[labels], values[~labels])
    wrong = (values <= threshold) == labels
    shares = np.where(labels, 0.5 / labels.sum(), 0.5 / (~labels).sum())
    errors: FloatArray = np.bincount(
        np.asarray(sources), weights=wrong * shares, minlength=count
    ).astype(np.float64)
    return errors


def permutation_test(
    differences: ArrayLike, permutations: int = PERMUTATIONS, seed: int = 0
) -> float:
    """Test whether two detectors have the same EER, by exchanging them source by source.

    If they were equally good, it would not matter which of the two decided on a source's trials.
    Under each of many random exchanges of whole sources the difference is taken anew; p is the
    share of them that is at least as large as the one seen. It speaks of the models as they were
    trained: what another training would give, only the rounds tell.

    Parameters
    ----------
    differences
        ``float [s]``: `errors_by_source` of one detector minus that of the other on the same
        trials, a mean over rounds or test sets if there are several. An exchange turns a sign.
    permutations
        How many; the least p is 1 / (permutations + 1).

    Returns
    -------
    float
        Two-sided p value, (1 + n_as_large) / (1 + permutations).

    Raises
    ------
    InputError
        If there is no source, or a difference is not finite.
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        raise InputError(
            f"Differences of shape {values.shape} cannot be exchanged: give one finite number a "
            "source."
        )
    # An exchange on which the detectors agree changes nothing: leave it out, and save the time.
    values = values[values != 0]
    seen = abs(values.sum())
    generator = np.random.default_rng(seed)
    as_large = 0
    rows = max(1, _CHUNK // max(1, values.size))
    for first in range(0, permutations, rows):
        count = min(rows, permutations - first)
        # A source exchanged or not, at even odds: its difference with the other sign or its own.
        signs = 1.0 - 2.0 * generator.integers(0, 2, (count, values.size), dtype=np.uint8)
        as_large += int((np.abs(signs @ values) >= seen - 1e-12).sum())
    return (1 + as_large) / (1 + permutations)


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
    adjusted: NDArray[np.float64] = np.full(values.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    steps = values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps))
    return adjusted
