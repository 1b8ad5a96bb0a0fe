"""Confidence intervals of drifts, by a bootstrap over sources, and the drift of chance alone.

Segments of one recording are not independent, so it is sources that are drawn anew, with all their
segments, in the test set and in the reference set.

A Wasserstein distance between samples is too large on average: two samples of one distribution are
never at distance 0. The bootstrap shows this bias a second time, and it is taken off. Where a drift
is no larger than the *floor*, the distance between two halves of the reference set, nothing can be
said of it, and its interval says nothing either.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sdd.errors import InputError
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
from sdd.metrics.rounds import t_quantile

FloatArray = NDArray[np.float64]

SPLITS = 10
# Replicates and columns that are computed at a time: they bound the memory of a thread.
_BLOCK = 16
_COLUMNS = 32


def drift_interval(
    embeddings: ArrayLike,
    sources: ArrayLike,
    reference: ArrayLike,
    reference_sources: ArrayLike,
    *,
    method: Method = "mean",
    replicates: int = 200,
    confidence: float = 0.95,
    projections: int = 500,
    cap: int = EXACT_CAP,
    seed: int = 0,
    threads: int = 1,
) -> tuple[float, float]:
    """Compute the confidence interval of a drift by a bootstrap over sources, its bias taken off.

    With the drift D, and mean m and standard deviation s of its replicates, the interval is
    2 D - m -+ t s sqrt(S / (S - 1)), with S the sources of the set that has fewer and t Student's
    quantile of S - 1 degrees of freedom: the bias of D is estimated by m - D, and drawing S anew
    out of S shows too little of the spread. The interval may lie below D, where the sets are small
    and the dimensions many. It is cut at 0.

    Parameters
    ----------
    embeddings
        ``float [n, d]``: one row for each fake utterance of a test set.
    sources
        ``str [n]`` or ``int [n]``: what each was cut from.
    reference, reference_sources
        ``float [m, d]`` and ``str [m]`` or ``int [m]``: the same of the reference set.
    method, projections, cap, seed
        As for `sdd.metrics.drift.drift`; `seed` is that of the bootstrap, too.
    replicates
        Number of bootstrap replicates, at least 2.
    confidence
        Between 0 and 1, both excluded.
    threads
        Their number does not change the result.

    Returns
    -------
    low, high
        In the unit of the embeddings; both NaN where a set has one source only.

    Raises
    ------
    InputError
        As `sdd.metrics.drift.drift`; or if there are not as many sources as rows, or `replicates`
        or `confidence` is out of range.
    """
    if replicates < 2 or not 0 < confidence < 1:
        raise InputError(
            f"{replicates} replicates at a confidence of {confidence} give no interval: at least "
            "2 replicates are needed, and 95 % is written as 0.95."
        )
    x, y = check_sets(embeddings, reference)
    groups_x, groups_y = _groups(sources, x, "test"), _groups(reference_sources, y, "reference")
    measured = drift(x, y, method=method, projections=projections, cap=cap, seed=seed)
    if method == "exact":
        # The very points that `drift` uses.
        generator = np.random.default_rng(seed)
        rows_x, rows_y = (subsampled_rows(len(points), cap, generator) for points in (x, y))
        x, groups_x = x[rows_x], _renumbered(groups_x[rows_x])
        y, groups_y = y[rows_y], _renumbered(groups_y[rows_y])
    freedom = int(min(groups_x.max(), groups_y.max()))  # sources less one
    if freedom == 0:
        return np.nan, np.nan
    # Whole sources are drawn; a source's points share its weight, which is then 0, 1, 2, ...
    generator = np.random.default_rng([seed, 1])
    weights_x = _source_weights(groups_x, replicates, generator)
    weights_y = _source_weights(groups_y, replicates, generator)
    # What the weights leave unchanged is made once for all replicates: the cost of moving a point
    # onto another, the projections, and, in `_weighted_drifts`, the order of the values.
    if method == "exact":
        cost = ground_cost(x, y)
        pairs = zip(weights_x, weights_y, strict=True)
        drifts = np.array([solve_transport(cost, a, b) for a, b in pairs])
    else:
        if method == "sliced":
            directions = unit_directions(x.shape[1], projections, seed)
            x, y = x @ directions, y @ directions
        drifts = _weighted_drifts(x, y, weights_x, weights_y, threads)
    # The replicates lie above the drift by about as much as the drift lies above the distance of
    # the two distributions: that much is taken off.
    centre = 2 * measured - drifts.mean()
    half = t_quantile(freedom, confidence) * drifts.std(ddof=1) * np.sqrt((freedom + 1) / freedom)
    return max(0.0, float(centre - half)), max(0.0, float(centre + half))


def same_distribution_floor(
    reference: ArrayLike,
    sources: ArrayLike,
    *,
    splits: int = SPLITS,
    seed: int = 0,
    **settings: Any,  # noqa: ANN401
) -> float:
    """Compute the drift that chance alone gives: between two halves of the reference set.

    Parameters
    ----------
    reference
        ``float [m, d]``: one row for each fake utterance of the reference set.
    sources
        ``str [m]`` or ``int [m]``: what each was cut from; no source is in both halves.
    splits
        Random divisions in two to take the mean of.
    seed
        Of the divisions, and as for `sdd.metrics.drift.drift`.
    **settings
        `method`, `projections` and `cap` of `sdd.metrics.drift.drift`.

    Returns
    -------
    float
        In the unit of the embeddings; NaN where there is one source only.

    Raises
    ------
    InputError
        As `sdd.metrics.drift.drift`; or if there are not as many sources as rows.
    """
    points, _ = check_sets(reference, reference)
    groups = _groups(sources, points, "reference")
    count = int(groups.max()) + 1
    if count < 2:
        return np.nan
    generator = np.random.default_rng([seed, 2])
    drifts = []
    for _ in range(splits):
        # Halves of the sources: a recording in both would bring them closer than chance does.
        first = np.isin(groups, generator.permutation(count)[: count // 2])
        drifts.append(drift(points[first], points[~first], seed=seed, **settings))
    return float(np.mean(drifts))


def _groups(sources: ArrayLike, points: NDArray[Any], name: str) -> NDArray[np.intp]:
    """Number the sources from 0."""
    labels = np.asarray(sources)
    if labels.shape != (len(points),):
        raise InputError(
            f"Of the {name} set {len(points)} embeddings and sources of shape {labels.shape} are "
            "given: give one source an embedding."
        )
    return _renumbered(labels)


def _renumbered(labels: NDArray[Any]) -> NDArray[np.intp]:
    return np.unique(labels, return_inverse=True)[1].astype(np.intp)


def _source_weights(
    groups: NDArray[np.intp], replicates: int, generator: np.random.Generator
) -> FloatArray:
    """Draw as many sources anew as there are: weights of points, ``float64 [replicates, n]``."""
    count = int(groups.max()) + 1
    drawn = generator.multinomial(count, np.full(count, 1 / count), size=replicates)
    weights = drawn[:, groups].astype(np.float64)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def _weighted_drifts(
    x: NDArray[Any], y: NDArray[Any], weights_x: FloatArray, weights_y: FloatArray, threads: int
) -> FloatArray:
    """Average over columns the 1-D distance of weighted points: ``float64 [replicates]``.

    The area between the two distribution functions: between one value and the next both are
    constant, so it is a sum over the sorted values of both sets, whose order all replicates share.
    """
    signed = np.concatenate([weights_x, -weights_y], axis=1)

    # Threads help: numpy lets go of the interpreter's lock while it sums.
    def of_columns(columns: slice) -> FloatArray:
        merged = np.concatenate([x[:, columns], y[:, columns]]).T.astype(np.float64)
        distances = np.empty((len(merged), len(signed)))
        for row, values in enumerate(merged):
            order = np.argsort(values, kind="stable")
            gaps = np.diff(values[order])
            for block in _slices(len(signed), _BLOCK):
                difference = np.take(signed[block], order[:-1], axis=1)
                np.cumsum(difference, axis=1, out=difference)
                np.abs(difference, out=difference)
                distances[row, block] = difference @ gaps
        return distances

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(of_columns, _slices(x.shape[1], _COLUMNS)))
    means: FloatArray = np.concatenate(parts).mean(axis=0)
    return means


def _slices(count: int, size: int) -> Iterator[slice]:
    return (slice(first, first + size) for first in range(0, count, size))
