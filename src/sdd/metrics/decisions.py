"""Rates of decisions at one threshold, as leaderboards count them."""

import numpy as np
from numpy.typing import ArrayLike

from sdd.metrics.error_rates import class_scores


def f1_and_accuracy(
    real_scores: ArrayLike, fake_scores: ArrayLike, threshold: float
) -> tuple[float, float]:
    """Compute F1, real trials being the positive ones, and the share of right decisions.

        F1 = 2 TP / (2 TP + FP + FN)

    A trial is taken for real when its score is *at or above* the threshold, as the toolkit of
    Speech DF Arena [1]_ decides; error rates here and there accept what is above it. The EER's
    threshold is the score of a trial, so the two differ by that trial and those equal to it.

    Parameters
    ----------
    real_scores, fake_scores
        ``float [n_real]`` and ``float [n_fake]``: higher means more likely real.

    Returns
    -------
    f1, accuracy
        Fractions; F1 is 0 where no trial is rightly taken for real.

    Raises
    ------
    InputError
        If a class has no scores, or a score is not finite.

    References
    ----------
    .. [1] https://github.com/Speech-Arena/speech_df_arena, `compute_f1_accuracy`.
    """
    real, fake = class_scores(real_scores, "real"), class_scores(fake_scores, "fake")
    right = np.count_nonzero(real >= threshold)
    accepted_fake = np.count_nonzero(fake >= threshold)
    errors = accepted_fake + real.size - right
    return 2 * right / (2 * right + errors), 1 - errors / (real.size + fake.size)
