"""Scores of one precision beside those of another: flipped decisions, and the EER's difference."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sdd.metrics.bootstrap import REPLICATES, RankedTrials, cluster_keys, weight_chunks
from sdd.metrics.error_rates import eer
from sdd.metrics.estimates import Estimate, Rounds, difference_of_means, sample_of_rates

TOLERATED = 1 / 2000
"""Flipped decisions a decision."""
NEAR = 0.1
"""About the threshold: within so many standard deviations of the scores."""


@dataclass(frozen=True)
class Comparison:
    """Scores of a precision beside those of fp32, on n trials.

    Attributes
    ----------
    flips
        Decisions that differ at the EER threshold of fp32.
    flips_of_own
        The same where the precision has the threshold of its own EER.
    expected
        Flips to expect: n f E|d|, with the density f of scores and the perturbation d, both about
        the threshold. What occurs is scattered about it as a Poisson number is.
    difference
        EER less that of fp32, in per cent, with its interval of 95 %.
    perturbation
        Standard deviation of d, in standard deviations of the scores.
    density
        f, in units of 1 / the standard deviation of the scores.
    """

    trials: int
    eer: float
    flips: int
    flips_of_own: int
    expected: float
    difference: Estimate
    perturbation: float
    density: float

    @property
    def passes(self) -> bool:
        """Whether no more decisions flip than is tolerated."""
        return self.flips <= TOLERATED * self.trials


def rate_and_threshold(scores: np.ndarray, real: np.ndarray) -> tuple[float, float]:
    """Return the EER and its threshold, halfway to the next score above.

    `eer` gives a score as the threshold, and what is no more than rounding would flip that trial.
    """
    rate, threshold = eer(scores[real], scores[~real])
    above = scores[scores > threshold]
    return rate, (threshold + float(above.min())) / 2 if above.size else threshold


def compare(
    fp32: np.ndarray, other: np.ndarray, real: np.ndarray, sources: Sequence[str]
) -> Comparison:
    """Compare scores ``float [n]`` of the same trials, of which some are real."""
    fp32, other = fp32.astype(np.float64), other.astype(np.float64)
    _, threshold = rate_and_threshold(fp32, real)
    other_rate, own = rate_and_threshold(other, real)
    moved, spread = other - fp32, fp32.std()
    near = np.abs(fp32 - threshold) < NEAR * spread
    density = float(near.mean()) / (2 * NEAR)
    reach = float(np.abs(moved[near]).mean()) / spread if near.any() else 0.0
    return Comparison(
        trials=len(fp32),
        eer=100 * other_rate,
        flips=int(((fp32 > threshold) != (other > threshold)).sum()),
        flips_of_own=int(((fp32 > threshold) != (other > own)).sum()),
        expected=len(fp32) * density * reach,
        difference=eer_difference(fp32, other, real, sources),
        perturbation=float(moved.std() / spread),
        density=density,
    )


def eer_difference(
    fp32: np.ndarray, other: np.ndarray, real: np.ndarray, sources: Sequence[str]
) -> Estimate:
    """Return the paired difference of EERs with its interval, in per cent.

    Sources are drawn anew; detector and trials are the same on both sides.
    """
    names, units = np.unique(sources, return_inverse=True)
    sides = []
    for scores in (other, fp32):
        ranked = RankedTrials(scores, real, units)
        keys = cluster_keys(names.tolist())
        drawn = [ranked.weighted_eers(weights) for weights in weight_chunks(keys, REPLICATES)]
        rate, _ = rate_and_threshold(scores, real)
        rates = 100 * np.array([rate])
        sample = sample_of_rates(rates, 100 * np.concatenate(drawn)[None], len(names))
        sides.append(Rounds(rates, {"toy": sample}, trained=False))
    return difference_of_means(*sides)


def most(flips: int, trials: int) -> float:
    """Return the upper end of the exact interval of 95 % of a share of flips (Clopper-Pearson)."""
    from scipy.stats import beta

    return float(beta.ppf(0.975, flips + 1, trials - flips)) if flips < trials else 1.0
