"""The equal error rate of one detector on one set of trials, with its interval."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from sdd.errors import InputError
from sdd.metrics.bootstrap import REPLICATES, RankedTrials, cluster_keys, weight_chunks
from sdd.metrics.error_rates import eer
from sdd.metrics.estimates import Estimate, Rounds, rate_over_rounds, sample_of_rates


def eer_with_interval(
    scores: ArrayLike,
    real: ArrayLike,
    clusters: Sequence[str | int],
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Estimate:
    """Return the EER with its 95 % interval: a bootstrap over what trials share, not over trials.

    Parameters
    ----------
    scores
        ``float [n]``: higher means more likely real; finite.
    real
        ``bool [n]``: which trials are real; both classes must occur.
    clusters
        Of each trial the speaker or recording that it comes from: trials that share one are drawn
        together. Where each trial is one of its own, number them; where speakers are known,
        recordings of one speaker would make the interval far too narrow.
    seed
        Another seed gives other draws.

    Returns
    -------
    Estimate
        Fractions. On the scale of the square root; without an error, or with nothing else, from
        there to the exact bound. No interval (NaN) where a class has fewer than 10 clusters.
        It says nothing about another training of the detector.

    Raises
    ------
    InputError
        If shapes differ, a class has no trial, or a score is not finite.
    """
    if replicates < 1:
        raise InputError(f"There are {replicates} replicates: one at least is needed.")
    names, units = np.unique(np.asarray(clusters).astype(str), return_inverse=True)
    trials = RankedTrials(scores, real, units)
    values, labels = np.asarray(scores, dtype=np.float64), np.asarray(real, dtype=bool)
    rate = np.array([eer(values[labels], values[~labels])[0]])
    drawn = np.concatenate(
        [
            trials.weighted_eers(weights)
            for weights in weight_chunks(cluster_keys(names.tolist(), seed=seed), replicates)
        ]
    )
    fewest = min(len(set(units[labels])), len(set(units[~labels])))
    sample = sample_of_rates(rate, drawn[None], fewest, whole=1.0)
    return rate_over_rounds(Rounds(rate, {"": sample}, trained=False), whole=1.0)
