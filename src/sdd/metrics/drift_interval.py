"""Drifts with their uncertainty, by a bootstrap over clusters, and the drift of chance alone.

A distance between samples is too large on average: two samples of one distribution are never at
distance 0. What chance alone gives is the *floor*, here of the very two sets, at their sizes and
with their clusters. Chance adds to a distance about as in quadrature, so the *corrected* drift is
sqrt(D^2 - floor^2), and 0 at the floor or below.

Whole clusters are drawn, in the test set and in the reference set, by the same draws for every
detector (`sdd.metrics.bootstrap`): replicates of two detectors, or of two test sets against one
reference, are subtracted one by one. What that says of the drifts is in `sdd.metrics.drift_scale`.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdd.errors import InputError
from sdd.metrics.bootstrap import cluster_keys, poisson_weights
from sdd.metrics.divergences import kolmogorov_smirnov, relative_entropy
from sdd.metrics.drift import (
    EXACT_CAP,
    Method,
    check_sets,
    drift,
    ground_cost,
    solve_transport,
    subsampled_rows,
    unit_directions,
)
from sdd.metrics.drift_scale import drift_behind
from sdd.metrics.estimates import FEWEST_CLUSTERS, Estimate, Rounds, Sample
from sdd.metrics.rounds import t_quantile

FloatArray = NDArray[np.float64]
Points = NDArray[Any]

# Replicates and columns that are computed at a time: they bound the memory of a thread.
_BLOCK = 16
_COLUMNS = 32
# Pairs of samples of the reference behind the floor, where it does not follow from the replicates.
_FLOOR_DRAWS = 50


@dataclass(frozen=True)
class ClusteredPoints:
    """Embeddings of one set, and what they are drawn by.

    Attributes
    ----------
    values
        ``float [n, d]``: one row for each fake utterance.
    clusters
        ``str [n]``: the cluster of each.
    corpus
        Whose clusters they are: sets of one corpus are drawn together.
    """

    values: Points
    clusters: Sequence[str]
    corpus: str

    def __post_init__(self) -> None:
        if len(self.clusters) != len(self.values):
            raise InputError(
                f"{len(self.values)} embeddings of {self.corpus} and {len(self.clusters)} clusters "
                "are given: give one cluster an embedding."
            )

    def select(self, rows: NDArray[np.intp]) -> "ClusteredPoints":
        """Return some of the points."""
        return ClusteredPoints(self.values[rows], [self.clusters[r] for r in rows], self.corpus)

    def with_values(self, values: Points) -> "ClusteredPoints":
        """Return the same points elsewhere."""
        return ClusteredPoints(values, self.clusters, self.corpus)

    @property
    def count(self) -> int:
        """Number of clusters."""
        return len(set(self.clusters))


@dataclass(frozen=True)
class SampledDrift:
    """A drift with its replicates, in the unit of its method.

    Attributes
    ----------
    distance
        Of the data.
    floor
        The distance that chance alone gives on average.
    replicates
        ``float64 [b]``: under each resampling; NaN where nothing of a set was drawn.
    clusters
        Of the set that has fewer.
    spread
        Standard deviation of the reference, root mean square over dimensions.
    bias
        What chance may have added at most: all of the floor where the sets are alike, nothing where
        they are apart. More than the correction takes off where few dimensions differ.
    """

    distance: float
    floor: float
    replicates: FloatArray
    clusters: int
    spread: float
    bias: float

    @property
    def corrected(self) -> float:
        """The drift less what chance gives: sqrt(distance^2 - floor^2), or 0."""
        return math.sqrt(max(0.0, self.square))

    @property
    def square(self) -> float:
        """Square of the corrected drift; below 0 where the distance is below its floor."""
        return self.distance**2 - self.floor**2

    def interval(self, confidence: float = 0.95) -> Estimate:
        """Return the corrected drift with its interval; without one where clusters are too few.

        The lower end is t times the root mean square of the replicates about the distance below the
        distance less the largest bias. The upper end is the largest drift of which so small a
        distance is not too rare (`sdd.metrics.drift_scale`), by the replicates' standard deviation
        and skewness.
        """
        known = self.replicates[~np.isnan(self.replicates)]
        if self.clusters < FEWEST_CLUSTERS or not known.size:
            return Estimate(self.corrected)
        variance, freedom = Sample(known - self.distance, self.clusters).component
        quantile = t_quantile(freedom, confidence)
        below = min(self.corrected, self.distance - self.bias)
        low = max(0.0, below - quantile * math.sqrt(variance))
        high = max(self.corrected, self._largest_drift(known, quantile))
        return Estimate(self.corrected, low, high, math.sqrt(variance), freedom)

    def _largest_drift(self, known: FloatArray, quantile: float) -> float:
        """Return the upper end: what the distance could be without chance, and its drift.

        Distances are skewed, so that fewer lie far below their mean than above: the quantile is
        Cornish and Fisher's, to the first term. A distance far below its floor is taken for one
        that is one and a half standard errors below it, so that a lucky sample does not give an
        interval of no width [1]_.

        References
        ----------
        .. [1] Cowan, Cranmer, Gross, Vitells, "Power-constrained limits", arXiv:1105.3166.
        """
        centred = known - known.mean()
        spread = math.sqrt(float(np.mean(centred**2)))
        skewness = float(np.mean(centred**3)) / spread**3 if spread else 0.0
        error = spread * math.sqrt(self.clusters / (self.clusters - 1))
        reach = error * max(0.0, quantile - skewness * (quantile**2 - 1) / 6)
        return drift_behind(max(self.distance, self.floor - 1.5 * error) + reach, self.floor)


def sample_drift(
    test: ClusteredPoints,
    reference: ClusteredPoints,
    *,
    method: Method = "mean",
    replicates: int = 200,
    projections: int = 500,
    cap: int = EXACT_CAP,
    seed: int = 0,
    threads: int = 1,
) -> SampledDrift:
    """Measure a drift, its floor and how it moves when clusters are drawn anew.

    Parameters
    ----------
    method, projections, cap, seed
        As for `sdd.metrics.drift.drift`; `seed` is that of the bootstrap, too.
    replicates
        Number of bootstrap replicates, at least 2.
    threads
        Their number does not change the result.

    Raises
    ------
    InputError
        As `sdd.metrics.drift.drift`; or if `replicates` is out of range.
    """
    if replicates < 2:
        raise InputError(f"{replicates} replicates give no interval: at least 2 are needed.")
    x, y = check_sets(test.values, reference.values)
    measured = drift(x, y, method=method, projections=projections, cap=cap, seed=seed)
    spread = math.sqrt(float(np.mean(np.var(y, axis=0, dtype=np.float64))))
    if method == "exact":
        # The very points that `drift` uses.
        generator = np.random.default_rng(seed)
        rows_x, rows_y = (subsampled_rows(len(points), cap, generator) for points in (x, y))
        test, reference = test.select(rows_x), reference.select(rows_y)
    elif method == "sliced":
        directions = unit_directions(x.shape[1], projections, seed)
        test, reference = test.with_values(x @ directions), reference.with_values(y @ directions)
    clusters = min(test.count, reference.count)
    weights_x, weights_y = (
        _drawn_weights(points, replicates, seed) for points in (test, reference)
    )
    # Without any point drawn a set has no distribution: such replicates are not known.
    drawn = ~np.isnan(weights_x[:, 0] + weights_y[:, 0])
    weights_x, weights_y = weights_x[drawn], weights_y[drawn]
    found = np.full(replicates, np.nan)
    if method in ("mean", "sliced"):
        found[drawn], floor, bias = _weighted_drifts(
            test.values, reference.values, weights_x, weights_y, clusters, threads
        )
    else:
        found[drawn] = _distances(method, test.values, reference.values)(weights_x, weights_y)
        floor = _reference_floor(method, test, reference, seed)
        bias = measured - math.sqrt(max(0.0, measured**2 - floor**2))
    return SampledDrift(measured, floor, found, clusters, spread, bias)


def distance_over_rounds(rounds: Sequence[SampledDrift], *, trained: bool) -> Rounds:
    """Return the distance, not corrected, as a figure of one detector's rounds.

    Resampling makes distances larger, as chance does; that is the floor's, and not in the sample.
    """
    mean = np.mean([one.replicates for one in rounds], axis=0)
    known = mean[~np.isnan(mean)]
    centre = float(known.mean()) if known.size else math.nan
    clusters = min(one.clusters for one in rounds)
    values = np.array([one.distance for one in rounds])
    return Rounds(values, {"": Sample(mean - centre, clusters)}, trained)


def _drawn_weights(points: ClusteredPoints, replicates: int, seed: int) -> FloatArray:
    """Draw clusters anew: weights of points of sum 1, ``float64 [replicates, n]``."""
    names, groups = np.unique(np.asarray(points.clusters, dtype=str), return_inverse=True)
    keys = cluster_keys(names.tolist(), points.corpus, seed)
    weights = np.take(poisson_weights(keys, 0, replicates), groups, axis=1).astype(np.float64)
    with np.errstate(invalid="ignore"):
        weights /= weights.sum(axis=1, keepdims=True)
    return weights


def _weighted_drifts(
    x: Points,
    y: Points,
    weights_x: FloatArray,
    weights_y: FloatArray,
    clusters: int,
    threads: int,
) -> tuple[FloatArray, float, float]:
    """Average over columns the 1-D distance of weighted points; ``float64 [replicates]``.

    Also what chance alone gives (the floor), and what it may have added at most.

    The area between the two distribution functions: between one value and the next both are
    constant, so it is a sum over the sorted values of both sets, whose order all replicates share.
    Chance alone leaves, at each value, a difference of normal distribution about 0. The mean of its
    absolute value is sqrt(2 / pi) times its standard deviation s, which is that of the replicates.
    Where the sets differ by x, chance adds less to |x|; that times sqrt(3) exp(-x^2 / s^2) is right
    on average where they do not differ, and too much elsewhere.
    """
    signed = np.concatenate([weights_x, -weights_y], axis=1)
    equal = np.concatenate([np.full(len(x), 1 / len(x)), np.full(len(y), -1 / len(y))])
    widening = clusters / max(1, clusters - 1)

    # Threads help: numpy lets go of the interpreter's lock while it sums.
    def of_columns(columns: slice) -> tuple[FloatArray, FloatArray]:
        merged = np.concatenate([x[:, columns], y[:, columns]]).T.astype(np.float64)
        distances, chance = np.empty((len(merged), len(signed))), np.empty((len(merged), 2))
        for row, values in enumerate(merged):
            order = np.argsort(values, kind="stable")
            gaps = np.diff(values[order])
            total, squares = np.zeros(len(gaps)), np.zeros(len(gaps))
            for block in _slices(len(signed), _BLOCK):
                difference = np.take(signed[block], order[:-1], axis=1)
                np.cumsum(difference, axis=1, out=difference)
                total += difference.sum(axis=0)
                squares += np.einsum("ij,ij->j", difference, difference)
                np.abs(difference, out=difference)
                distances[row, block] = difference @ gaps
            centre = np.cumsum(equal[order[:-1]])
            variance = squares / len(signed) - 2 * centre * total / len(signed) + centre**2
            variance = np.maximum(0.0, variance) * widening
            near = np.exp(-(centre**2) / np.maximum(variance, np.finfo(float).tiny))
            added = np.sqrt(variance * 2 / math.pi)
            chance[row] = added @ gaps, math.sqrt(3) * (added * near) @ gaps
        return distances, chance

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(of_columns, _slices(x.shape[1], _COLUMNS)))
    means: FloatArray = np.concatenate([part[0] for part in parts]).mean(axis=0)
    floor, bias = np.concatenate([part[1] for part in parts]).mean(axis=0).tolist()
    return means, floor, bias


def _distances(
    method: Method, x: Points, y: Points
) -> Callable[[FloatArray, FloatArray], FloatArray]:
    """Return what computes a method's distance under weightings ``float64 [b, n]``, ``[b, m]``."""
    if method == "exact":
        cost = ground_cost(x, y)
        return lambda a, b: np.array(
            [solve_transport(cost, one, other) for one, other in zip(a, b, strict=True)]
        )
    divergence = kolmogorov_smirnov if method == "ks" else relative_entropy
    return lambda a, b: divergence(x, y, a, b)


def _reference_floor(
    method: Method, test: ClusteredPoints, reference: ClusteredPoints, seed: int
) -> float:
    """Average the distance of two samples of the reference, of as many clusters as both sets have.

    For distances that are no sum over values, whose chance alone does not follow from replicates.
    """
    generator = np.random.default_rng([seed, 2])
    names, groups = np.unique(np.asarray(reference.clusters, dtype=str), return_inverse=True)
    pair = []
    for count in (test.count, reference.count):
        shares = np.full(len(names), 1 / len(names))
        times = generator.multinomial(count, shares, size=_FLOOR_DRAWS)
        drawn = np.take(times, groups, axis=1).astype(np.float64)
        pair.append(drawn / drawn.sum(axis=1, keepdims=True))
    return float(_distances(method, reference.values, reference.values)(*pair).mean())


def _slices(count: int, size: int) -> Iterator[slice]:
    return (slice(first, first + size) for first in range(0, count, size))
