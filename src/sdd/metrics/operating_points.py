"""The thresholds of a detector at which alone a cost can be least.

Lowering the threshold costs nothing as long as it meets no fake trial: it accepts more real ones.
So whatever weighs the two kinds of errors is least at a fake trial's score, or below all scores.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sdd.metrics.error_rates import class_scores

Counts = NDArray[np.int64]


def operating_points(real_scores: ArrayLike, fake_scores: ArrayLike) -> tuple[Counts, Counts]:
    """Count the trials rejected at each distinct score of a fake trial, and below all scores.

    A trial is rejected when its score is at or below the threshold, as everywhere in
    `sdd.metrics.error_rates`.

    Parameters
    ----------
    real_scores, fake_scores
        ``float [n_real]`` and ``float [n_fake]``: higher means more likely real.

    Returns
    -------
    rejected_real, rejected_fake
        ``int64 [n_points]``, by rising threshold: 0 and 0 first, all fake trials last.

    Raises
    ------
    InputError
        If a class has no scores, or a score is not finite.
    """
    real = np.sort(class_scores(real_scores, "real"))
    fake = np.sort(class_scores(fake_scores, "fake"))
    # Equal scores are one threshold: the last of each run stands for all of them.
    last = np.flatnonzero(np.append(fake[1:] != fake[:-1], True))
    rejected_real = np.searchsorted(real, fake[last], side="right")
    return _from_zero(rejected_real), _from_zero(last + 1)


def _from_zero(counts: NDArray[np.intp]) -> Counts:
    return np.concatenate([[0], counts]).astype(np.int64)
