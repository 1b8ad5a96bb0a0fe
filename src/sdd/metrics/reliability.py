"""Whether stated probabilities come true: a reliability diagram's points.

Both classes weigh the same, whatever their numbers, as at a prior of 1/2: of the trials that are
stated to be fake with a probability of 0.8, eight in ten should be.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sdd.metrics.affine_calibration import probability_of_fake
from sdd.metrics.error_rates import class_scores

FloatArray = NDArray[np.float64]
BINS = 10


def reliability(
    real_llrs: ArrayLike, fake_llrs: ArrayLike, bins: int = BINS
) -> tuple[FloatArray, FloatArray]:
    """Compute stated and found probabilities of fake, in bins of equal weight.

    Parameters
    ----------
    real_llrs, fake_llrs
        ``float [n_real]`` and ``float [n_fake]``: natural-log likelihood ratios of real to fake.
    bins
        The most there can be; equal ratios are in one bin.

    Returns
    -------
    stated, found
        ``float64 [n]`` by rising stated probability: its mean in a bin, and the share of fakes.

    Raises
    ------
    InputError
        If a class has no scores, or a score is not finite.
    """
    real, fake = class_scores(real_llrs, "real"), class_scores(fake_llrs, "fake")
    weights = np.concatenate([np.full(one.size, 0.5 / one.size) for one in (real, fake)])
    of_fake = np.where(np.arange(weights.size) < real.size, 0.0, weights)
    distinct, place = np.unique(np.concatenate([real, fake]), return_inverse=True)
    weight, fakes = (np.bincount(place, part, distinct.size) for part in (weights, of_fake))
    # The middle of a value's weight says which bin it is in.
    bin_of = np.minimum(((np.cumsum(weight) - weight / 2) * bins).astype(np.int64), bins - 1)
    stated = probability_of_fake(distinct, 0.5)
    in_bin, found, said = (
        np.bincount(bin_of, part, bins) for part in (weight, fakes, weight * stated)
    )
    there = in_bin > 0
    return (said[there] / in_bin[there])[::-1], (found[there] / in_bin[there])[::-1]
