"""Means over rounds, and their differences, with an interval for both rounds and sources.

Two things are random in a figure of Table 1: the training of each round, and which recordings the
test set holds. Their variances add up, as in a model with crossed random effects of rounds and
sources; the degrees of freedom are Welch and Satterthwaite's.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdd.errors import InputError
from sdd.metrics.bootstrap import percentile_interval, root_interval
from sdd.metrics.rounds import mean_and_spread, t_quantile

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A value with its confidence interval, all in one unit; NaN where unknown."""

    value: float
    low: float = math.nan
    high: float = math.nan

    def clipped(self, low: float, high: float) -> "Estimate":
        """Cut the interval where values cannot lie."""
        return Estimate(self.value, max(self.low, low), min(self.high, high))


@dataclass(frozen=True)
class Rounds:
    """A figure of one algorithm in each of r rounds, with its b bootstrap replicates.

    Attributes
    ----------
    values
        ``float64 [r]``: one a round, in any unit.
    replicates
        ``float64 [r, b]``: the same under each resampling of the sources; column i is the same
        resampling in every object that is compared.
    trained
        False where nothing is trained, so that another round would give the same.
    """

    values: FloatArray
    replicates: FloatArray
    trained: bool = True

    @property
    def variance_of_mean(self) -> tuple[float, float]:
        """Variance of the mean over rounds due to training, and its degrees of freedom."""
        count = len(self.values)
        if not self.trained or count < 2:
            return 0.0, math.inf
        return mean_and_spread(self.values)[1] ** 2 / count, count - 1.0


def average(parts: Sequence[Rounds]) -> Rounds:
    """Average over test sets, round by round and replicate by replicate.

    Parameters
    ----------
    parts
        The same rounds of one algorithm, on each of the test sets.

    Raises
    ------
    InputError
        If there are no parts, or their numbers of rounds differ.
    """
    if len({len(part.values) for part in parts}) != 1:
        raise InputError("Only test sets with the same rounds can be averaged: score the others.")
    return Rounds(
        np.mean([part.values for part in parts], axis=0),
        np.mean([part.replicates for part in parts], axis=0),
        parts[0].trained,
    )


def mean_over_rounds(rounds: Rounds, sources: int, confidence: float = 0.95) -> Estimate:
    """Take the mean over rounds, with an interval for sources and rounds together.

    Parameters
    ----------
    sources
        Number of sources of the class that has fewer.
    confidence
        Between 0 and 1, both excluded.

    Returns
    -------
    Estimate
        With one round, or without training, the bootstrap's interval, which says nothing about
        training; else mean -+ t sqrt(V_rounds + V_sources).
    """
    value, replicates = float(rounds.values.mean()), rounds.replicates.mean(axis=0)
    if not rounds.variance_of_mean[0]:
        return Estimate(value, *root_interval(value, replicates, sources, confidence))
    return _joined(value, replicates, [rounds.variance_of_mean], sources, confidence)


def difference_of_means(a: Rounds, b: Rounds, sources: int, confidence: float = 0.95) -> Estimate:
    """Take the mean of `a` minus that of `b`: paired in their sources, independent in their rounds.

    Parameters
    ----------
    a, b
        Of the same trials.
    sources
        Number of sources of the class that has fewer.
    confidence
        Between 0 and 1, both excluded.

    Returns
    -------
    Estimate
        As `mean_over_rounds`; the bootstrap's interval is that of percentiles.

    Raises
    ------
    InputError
        If they do not have the same number of replicates.
    """
    if a.replicates.shape[1] != b.replicates.shape[1]:
        raise InputError(
            f"{a.replicates.shape[1]} and {b.replicates.shape[1]} replicates: "
            "compare estimates of the same resamplings."
        )
    value = float(a.values.mean() - b.values.mean())
    replicates = a.replicates.mean(axis=0) - b.replicates.mean(axis=0)
    training = [a.variance_of_mean, b.variance_of_mean]
    if not any(variance for variance, _ in training):
        return Estimate(value, *percentile_interval(replicates, sources, confidence))
    return _joined(value, replicates, training, sources, confidence)


def _joined(
    value: float,
    replicates: FloatArray,
    training: Sequence[tuple[float, float]],
    sources: int,
    confidence: float,
) -> Estimate:
    """Add the variances of rounds and of sources, as independent effects.

    `training` holds the variance of each mean over rounds, with its degrees of freedom.
    """
    if sources < 2:
        return Estimate(value)
    known = replicates[~np.isnan(replicates)]
    # As in a variance of a mean, one degree of freedom is spent on the mean.
    resampled = float(np.var(known)) * sources / (sources - 1)
    components = [*training, (resampled, sources - 1.0)]
    total = sum(variance for variance, _ in components)
    # Welch and Satterthwaite: the sum is as uncertain as one variance of so many degrees of
    # freedom. Where three rounds differ much they are near 2, whatever the number of sources.
    degrees = total**2 / sum(variance**2 / freedom for variance, freedom in components)
    half_width = t_quantile(degrees, confidence) * math.sqrt(total)
    return Estimate(value, value - half_width, value + half_width)
