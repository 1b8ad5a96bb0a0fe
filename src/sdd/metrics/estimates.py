"""Figures of Table 1 with their uncertainty: of training and of the trials, in one interval.

Two things are random in such a figure: the training of each round, and which speakers or recordings
the test sets hold. Their variances add up, as in a model with crossed random effects, and so do
those of several corpora, which share nothing. Each variance has its own degrees of freedom, and
those of the sum are Welch and Satterthwaite's. Interval and p value are two readings of the same
ratio of a figure to its standard error, so they never disagree.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sdd.errors import InputError
from sdd.metrics.rounds import mean_and_spread, t_quantile, t_tail

FloatArray = NDArray[np.float64]
Component = tuple[float, float]
"""A variance and its degrees of freedom."""

FEWEST_CLUSTERS = 10
"""With fewer, a set has no interval of its own: simulated coverage is not what is promised."""
FEW_CLUSTERS = 40
"""With fewer, an interval is marked."""


@dataclass(frozen=True)
class Estimate:
    """A value with its confidence interval, all in one unit; NaN where unknown.

    Attributes
    ----------
    low, high
        At 95 %, unless asked for otherwise.
    error, freedom
        Standard error, and the degrees of freedom of Student's t.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    error: float = math.nan
    freedom: float = math.nan

    def clipped(self, low: float, high: float) -> "Estimate":
        """Cut the interval where values cannot lie."""
        return Estimate(
            self.value, max(self.low, low), min(self.high, high), self.error, self.freedom
        )

    @property
    def smallest(self) -> float:
        """Least difference from 0 that would have been told at 5 %; NaN where unknown."""
        return t_quantile(self.freedom) * self.error

    @property
    def p_value(self) -> float:
        """Two-sided p of the hypothesis that the true value is 0; NaN where unknown."""
        return 2 * t_tail(abs(self.value), self.error, self.freedom)


@dataclass(frozen=True)
class Sample:
    """How a figure moves when the clusters of one corpus are drawn anew.

    Attributes
    ----------
    deviations
        ``float64 [b]``: the figure of each resampling less that of the data; NaN where a resampling
        has none. Number i is the same resampling in all samples of one corpus.
    clusters
        How many there are, of the class that has fewer.
    unseen
        A variance that is added: that of errors too rare to have been seen once.
    """

    deviations: FloatArray
    clusters: int
    unseen: float = 0.0

    @property
    def component(self) -> Component:
        """Mean square about the figure: a bias of resampling makes it larger, not the centre wrong.

        As in a variance of a mean, one degree of freedom is spent on the mean.
        """
        known = self.deviations[~np.isnan(self.deviations)]
        if self.clusters < 2 or not known.size:
            return math.nan, 1.0
        square = float(np.mean(known**2)) * self.clusters / (self.clusters - 1)
        return square + self.unseen, self.clusters - 1.0

    def component_of_root(self, value: float) -> Component:
        """Return the same of the square root of a figure, which is `value`."""
        roots = np.sqrt(np.maximum(0.0, value + self.deviations)) - math.sqrt(value)
        return Sample(roots, self.clusters, self.unseen / (4 * value)).component


@dataclass(frozen=True)
class Rounds:
    """A figure of one algorithm in each of r rounds, and how it moves with the trials.

    Attributes
    ----------
    values
        ``float64 [r]``: one a round, in any unit.
    samples
        By corpus: of the mean over rounds. What several corpora do to it adds up.
    trained
        False where nothing is trained, so that another round would give the same.
    """

    values: FloatArray
    samples: Mapping[str, Sample] = field(default_factory=dict)
    trained: bool = True

    @property
    def mean(self) -> float:
        """Over rounds."""
        return float(np.mean(self.values))

    @property
    def one_training(self) -> bool:
        """Whether nothing is known of another training."""
        return self.trained and len(self.values) == 1

    @property
    def training(self) -> Component:
        """Variance of the mean over rounds due to training."""
        count = len(self.values)
        if not self.trained or count < 2:
            return 0.0, math.inf
        return mean_and_spread(self.values)[1] ** 2 / count, count - 1.0

    @property
    def clusters(self) -> int:
        """The fewest clusters of a corpus."""
        return min(sample.clusters for sample in self.samples.values())


def average(parts: Sequence[Rounds]) -> Rounds:
    """Average over test sets, round by round and resampling by resampling.

    Parameters
    ----------
    parts
        The same rounds of one algorithm, on each of the test sets. Sets of one corpus go up and
        down together; corpora are independent.

    Raises
    ------
    InputError
        If there are no parts, or their numbers of rounds differ.
    """
    if len({len(part.values) for part in parts}) != 1:
        raise InputError("Only test sets with the same rounds can be averaged: score the others.")
    return Rounds(
        np.mean([part.values for part in parts], axis=0),
        _combined([(1 / len(parts), part) for part in parts]),
        parts[0].trained,
    )


def mean_over_rounds(rounds: Rounds, confidence: float = 0.95) -> Estimate:
    """Return the mean over rounds with its interval.

    Parameters
    ----------
    confidence
        Between 0 and 1, both excluded.

    Returns
    -------
    Estimate
        mean -+ t sqrt(V_training + sum of V_corpus). With one round, or without training, it says
        nothing about training. Without an interval where the only corpus has too few clusters.
    """
    components = [rounds.training, *(sample.component for sample in rounds.samples.values())]
    return _estimate(rounds.mean, components, rounds.samples, confidence)


def rate_over_rounds(rounds: Rounds, whole: float = 100.0, confidence: float = 0.95) -> Estimate:
    """Return a mean error rate with its interval, on the scale of its square root.

    The spread of a small error rate grows with it, and its distribution is skewed; that of its
    square root is nearly constant and symmetric.

    Parameters
    ----------
    whole
        The largest rate there can be, 100 in percent.

    Returns
    -------
    Estimate
        As `mean_over_rounds`. Where no error was seen in any round (or nothing else), the interval
        reaches from there to the exact bound, which the samples have as `unseen`.
    """
    plain = mean_over_rounds(rounds, confidence)
    if math.isnan(plain.error) or plain.value in (0.0, whole):
        return plain.clipped(0, whole)
    samples = rounds.samples.values()
    # To first order var(sqrt(x)) = var(x) / (4 x); of one corpus the roots themselves are drawn.
    plain_components = [rounds.training, *(sample.component for sample in samples)]
    components = [(variance / (4 * plain.value), freedom) for variance, freedom in plain_components]
    if len(rounds.samples) == 1:
        components[1] = next(iter(samples)).component_of_root(plain.value)
    root = _estimate(math.sqrt(plain.value), components, rounds.samples, confidence)
    low, high = max(0.0, root.low) ** 2, min(whole, root.high**2)
    return Estimate(plain.value, low, high, plain.error, plain.freedom)


def difference_of_means(a: Rounds, b: Rounds, confidence: float = 0.95) -> Estimate:
    """Return the mean of `a` less that of `b`: paired in their trials, independent in their rounds.

    Parameters
    ----------
    a, b
        Of the same trials, under the same resamplings.
    confidence
        Between 0 and 1, both excluded.

    Returns
    -------
    Estimate
        As `mean_over_rounds`.

    Raises
    ------
    InputError
        If they do not have the same resamplings.
    """
    components = [a.training, b.training]
    samples = _combined([(1.0, a), (-1.0, b)])
    components += [sample.component for sample in samples.values()]
    return _estimate(a.mean - b.mean, components, samples, confidence)


def unseen_variance(clusters: int, whole: float = 100.0, confidence: float = 0.95) -> float:
    """Return the variance of an error rate whose errors are too rare to have been seen once.

    At the true EER e each class has a share e of its trials on the wrong side of one threshold. If
    scores separate the classes without an error, one class at least has none there, and a class of
    n independent clusters has none with a probability of at most (1 - e)^n. So e lies below the u
    that solves 2 (1 - u)^n = 1 - confidence. The variance is the one that makes Student's interval
    reach from 0 to u.

    Parameters
    ----------
    clusters
        n, of the class that has fewer.
    whole
        The largest rate there can be, 100 in percent.
    """
    if clusters < 2:
        return math.nan
    bound = whole * (1 - ((1 - confidence) / 2) ** (1 / clusters))
    return float((bound / t_quantile(clusters - 1, confidence)) ** 2)


def sample_of_rates(
    rates: FloatArray, replicates: FloatArray, clusters: int, whole: float = 100.0
) -> Sample:
    """Make the sample of a mean error rate.

    Parameters
    ----------
    rates, replicates
        ``float64 [r]``, one a round, and ``float64 [r, b]``, the same under each resampling.
    clusters
        Of the class that has fewer.
    """
    # Without a single error, or without anything else, no resampling shows one.
    extreme = set(rates.tolist()) in ({0.0}, {whole})
    unseen = unseen_variance(clusters, whole) if extreme else 0.0
    return Sample(replicates.mean(axis=0) - rates.mean(), clusters, unseen)


def _combined(weighted: Iterable[tuple[float, Rounds]]) -> dict[str, Sample]:
    """Add up what each corpus does to a weighted sum of figures."""
    samples: dict[str, Sample] = {}
    for weight, part in weighted:
        for corpus, sample in part.samples.items():
            deviations, unseen = weight * sample.deviations, weight**2 * sample.unseen
            clusters = sample.clusters
            if corpus in samples:
                before = samples[corpus]
                if len(before.deviations) != len(deviations):
                    raise InputError(
                        f"{len(before.deviations)} and {len(deviations)} replicates: compare "
                        "figures of the same resamplings."
                    )
                deviations = before.deviations + deviations
                unseen, clusters = before.unseen + unseen, min(before.clusters, clusters)
            samples[corpus] = Sample(deviations, clusters, unseen)
    return samples


def _estimate(
    value: float,
    components: Sequence[Component],
    samples: Mapping[str, Sample],
    confidence: float,
) -> Estimate:
    """Add variances of independent effects; no interval of a single corpus of too few clusters."""
    if len(samples) == 1 and next(iter(samples.values())).clusters < FEWEST_CLUSTERS:
        return Estimate(value)
    total = sum(variance for variance, _ in components)
    if math.isnan(total):
        return Estimate(value)
    if total == 0:
        return Estimate(value, value, value, 0.0, math.inf)
    # Welch and Satterthwaite: the sum is as uncertain as one variance of so many degrees of
    # freedom. Where three rounds differ much they are near 2, whatever the number of clusters.
    freedom = total**2 / sum(variance**2 / freedom for variance, freedom in components)
    error = math.sqrt(total)
    reach = t_quantile(freedom, confidence) * error
    return Estimate(value, value - reach, value + reach, error, freedom)
