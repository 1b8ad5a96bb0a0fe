"""Error rates of a detector from the scores of real and of fake trials.

Throughout, a higher score means "more likely real", and a trial is accepted as real when its score
is *above* the threshold. Hence at a threshold t

    FRR(t) = P(score of a real trial <= t)    false rejections
    FAR(t) = P(score of a fake trial >  t)    false acceptances

as in the evaluation package of the ASVspoof challenges.
"""

from bisect import bisect_left

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sdd.errors import InputError

FloatArray = NDArray[np.float64]


def eer(real_scores: ArrayLike, fake_scores: ArrayLike) -> tuple[float, float]:
    """Compute the equal error rate of the ASVspoof evaluation package, with equal scores merged.

    Of all thresholds (each score, and one below the smallest) the one with the least |FRR - FAR|
    is taken, the lowest if several are as good; the EER is (FRR + FAR) / 2 there.

    Equal scores are one threshold here: no threshold can accept one of two trials with the same
    score and reject the other. The authors' released code makes each trial a threshold of its own,
    so that its result depends on the order of equal scores: with all scores equal it gives 100 %,
    whereas chance level, 50 %, is returned here. Without ties the two agree.

    Parameters
    ----------
    real_scores, fake_scores
        ``float [n_real]`` and ``float [n_fake]``: any unit; higher means more likely real.

    Returns
    -------
    eer
        A fraction, 0 to 1.
    threshold
        A trial is accepted as real when its score is above it.

    Raises
    ------
    InputError
        If a class has no scores, or a score is not finite.

    Notes
    -----
    FRR - FAR grows strictly from one distinct score to the next, so once each class is sorted the
    optimum is found by bisection: the cost is that of the two sorts. Differences are compared as
    whole numbers, (FRR - FAR) n_real n_fake, so rounding never decides between two thresholds.
    """
    real = np.sort(class_scores(real_scores, "real"))
    fake = np.sort(class_scores(fake_scores, "fake"))

    def difference(threshold: float) -> int:
        rejected_real, accepted_fake = _count_errors(real, fake, threshold)
        return rejected_real * fake.size - accepted_fake * real.size

    # FRR - FAR rises with the threshold, so its zero lies between two neighbouring scores: the
    # lowest at which FRR >= FAR, found in each class by bisection, and the one just below it.
    candidates = []
    for scores in (real, fake):
        index = bisect_left(scores, 0, key=difference)
        if index < scores.size:
            candidates.append(float(scores[index]))
    above = min(candidates)
    lower_scores = [
        float(scores[position - 1])
        for scores in (real, fake)
        if (position := int(np.searchsorted(scores, above, side="left")))
    ]
    below = max(lower_scores, default=float(np.nextafter(above, -np.inf)))

    threshold = below if abs(difference(below)) <= abs(difference(above)) else above
    rejected_real, accepted_fake = _count_errors(real, fake, threshold)
    return (rejected_real / real.size + accepted_fake / fake.size) / 2, threshold


def detection_error_tradeoff(
    real_scores: ArrayLike, fake_scores: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Compute both error rates at every threshold: the detection error trade-off (DET) curve.

    Parameters
    ----------
    real_scores, fake_scores
        ``float [n_real]`` and ``float [n_fake]``: higher means more likely real.

    Returns
    -------
    frr, far
        ``float64 [n_thresholds]``: false rejection rate (0 rising to 1) and false acceptance rate
        (1 falling to 0), fractions.
    thresholds
        ``float64 [n_thresholds]``: one below the smallest score, then the distinct scores,
        ascending.

    Raises
    ------
    InputError
        If a class has no scores, or a score is not finite.
    """
    real = np.sort(class_scores(real_scores, "real"))
    fake = np.sort(class_scores(fake_scores, "fake"))
    distinct = np.unique(np.concatenate([real, fake]))
    thresholds = np.concatenate([[np.nextafter(distinct[0], -np.inf)], distinct])
    frr = np.searchsorted(real, thresholds, side="right") / real.size
    far = (fake.size - np.searchsorted(fake, thresholds, side="right")) / fake.size
    return frr, far, thresholds


def area_under_curve(real_scores: ArrayLike, fake_scores: ArrayLike) -> float:
    """Compute the area under the ROC curve: how often a real trial scores above a fake one.

    The Mann-Whitney statistic, P(real > fake) + P(real = fake) / 2, over all pairs.

    Parameters
    ----------
    real_scores, fake_scores
        ``float [n_real]`` and ``float [n_fake]``: higher means more likely real.

    Returns
    -------
    float
        0 to 1; 0.5 is chance.

    Raises
    ------
    InputError
        If a class has no scores, or a score is not finite.
    """
    # Both sorted: a search for the next score begins near where the last one ended.
    real = np.sort(class_scores(real_scores, "real"))
    fake = np.sort(class_scores(fake_scores, "fake"))
    # Whole numbers, so that nothing is rounded before the end.
    below = int(np.searchsorted(fake, real, side="left").sum())
    not_above = int(np.searchsorted(fake, real, side="right").sum())
    return (below + not_above) / (2 * real.size * fake.size)


def selection_der(real_scores: ArrayLike, fake_scores: ArrayLike) -> float:
    """Compute errors per correct decision, by which the authors' code selects a checkpoint.

    (FP + FN) / (TP + TN) at the EER threshold, with "real" as the positive class. SpeechBrain calls
    it DER. At an equal error rate e it is about e / (1 - e).

    Parameters
    ----------
    real_scores, fake_scores
        ``float [n_real]`` and ``float [n_fake]``: higher means more likely real.

    Returns
    -------
    float
        0 (no errors) to infinity (no correct decision).

    Raises
    ------
    InputError
        If a class has no scores, or a score is not finite.
    """
    real = np.sort(class_scores(real_scores, "real"))
    fake = np.sort(class_scores(fake_scores, "fake"))
    _, threshold = eer(real, fake)
    errors = sum(_count_errors(real, fake, threshold))
    correct = real.size + fake.size - errors
    return errors / correct if correct else float("inf")


def _count_errors(real: FloatArray, fake: FloatArray, threshold: float) -> tuple[int, int]:
    """Count rejected real and accepted fake trials; both arrays are sorted."""
    rejected_real = int(np.searchsorted(real, threshold, side="right"))
    accepted_fake = fake.size - int(np.searchsorted(fake, threshold, side="right"))
    return rejected_real, accepted_fake


def class_scores(scores: ArrayLike, label: str) -> FloatArray:
    """Return the scores of one class as a float64 vector, or say what is wrong with them.

    Parameters
    ----------
    label
        `real` or `fake`, for the message.

    Raises
    ------
    InputError
        If there are none, one is not finite, or they are no vector.
    """
    array = np.asarray(scores, dtype=np.float64)
    if array.ndim != 1:
        raise InputError(
            f"The {label} scores have shape {array.shape}: give one score a trial, a vector."
        )
    if array.size == 0:
        raise InputError(
            f"There are no scores of {label} trials: an error rate needs trials of both classes."
        )
    finite = np.isfinite(array)
    if not finite.all():
        position = int(np.argmin(finite))
        raise InputError(
            f"{array.size - int(finite.sum())} of {array.size} {label} scores are not finite; the "
            f"first is {array[position]} at position {position}. Score these utterances again."
        )
    return array
