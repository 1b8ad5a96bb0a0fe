"""Drift: the Wasserstein distance between the embeddings of a test set and of a reference set.

The paper (section 3.4) measures it between the mean-pooled embeddings of the fake utterances of
each test set and those of ASVspoof 2019 LA dev. It does not say how the dimensions are combined;
the default here is the mean over dimensions of the one-dimensional Wasserstein-1 distance. The tool
that it cites [1]_ compares pooled embeddings by that distance, by the Kullback-Leibler divergence
and by the Kolmogorov-Smirnov statistic, which is one-dimensional: so dimensions are taken one by
one here, too.

References
----------
.. [1] X. Wang, W. Ge, J. Yamagishi, "Towards data drift monitoring for speech deepfake detection in
   the context of MLOps", arXiv 2509.10086, 2025.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sdd.errors import InputError
from sdd.metrics.divergences import kolmogorov_smirnov, relative_entropy

Method = Literal["mean", "sliced", "exact", "ks", "kl"]
FloatArray = NDArray[np.float64]

# Most points of a set that `exact` uses, unless told otherwise.
EXACT_CAP = 2000

# Sorted values held at a time, for each set: few enough for the cache of a processor.
_CHUNK_VALUES = 2**18


def drift(
    embeddings: ArrayLike,
    reference: ArrayLike,
    *,
    method: Method = "mean",
    projections: int = 500,
    cap: int = EXACT_CAP,
    seed: int = 0,
) -> float:
    """Compute the distance between two sets of embeddings, Wasserstein-1 unless told otherwise.

    Parameters
    ----------
    embeddings
        ``float [n, d]``: one row for each fake utterance of a test set.
    reference
        ``float [m, d]``: one row for each fake utterance of the reference set.
    method
        `mean`: mean over the d dimensions of the 1-D distance (exact, no randomness).
        `sliced`: mean over random directions of the 1-D distance of the projections [1]_.
        `exact`: the d-dimensional distance with Euclidean ground cost, by the network simplex.
        `ks`, `kl`: mean over the d dimensions of the Kolmogorov-Smirnov statistic, and of the
        Kullback-Leibler divergence from the reference (`sdd.metrics.divergences`).
    projections
        Number of random directions (`sliced` only).
    cap
        Most points of a set that `exact` uses: its cost grows with the cube. A larger set is
        represented by `cap` points drawn without replacement, and the distance is then biased
        upwards, the more so the more dimensions there are.
    seed
        Of the directions (`sliced`) and of the subsamples (`exact`).

    Returns
    -------
    float
        In the unit of the embeddings (`ks`: none; `kl`: nats); 0 for equal sets.

    Raises
    ------
    InputError
        If a set is empty, holds a value that is not finite, or their widths differ; if `method` is
        unknown; if `projections` or `cap` is below 1.

    References
    ----------
    .. [1] N. Bonneel, J. Rabin, G. Peyré, H. Pfister, "Sliced and Radon Wasserstein barycenters of
       measures", Journal of Mathematical Imaging and Vision 51, 2015.
    """
    if method not in get_args(Method):
        raise InputError(f"Unknown drift method {method!r}: choose {', '.join(get_args(Method))}.")
    for name, number in (("projections", projections), ("cap", cap)):
        if number < 1:
            raise InputError(f"The drift's {name} is {number}: it must be 1 or more.")
    x, y = check_sets(embeddings, reference)
    if method == "mean":
        return float(wasserstein_per_dimension(x, y).mean())
    if method in ("ks", "kl"):
        divergence = kolmogorov_smirnov if method == "ks" else relative_entropy
        equal = (np.full((1, len(points)), 1 / len(points)) for points in (x, y))
        return float(divergence(x, y, *equal)[0])
    # POT accumulates in the input's type: float32 would be off by 0.6 % at 20,000 points.
    x, y = x.astype(np.float64, copy=False), y.astype(np.float64, copy=False)
    if method == "sliced":
        return _sliced(x, y, projections, seed)
    generator = np.random.default_rng(seed)
    rows_x, rows_y = (subsampled_rows(len(points), cap, generator) for points in (x, y))
    return solve_transport(ground_cost(x[rows_x], y[rows_y]))


def wasserstein_per_dimension(x: ArrayLike, y: ArrayLike) -> FloatArray:
    """Compute the exact one-dimensional Wasserstein-1 distance in each dimension.

    The distance is the area between the two quantile functions,

        W1 = integral over u from 0 to 1 of |Qx(u) - Qy(u)|.

    Both are step functions whose steps lie at multiples of 1/n and of 1/m whatever the values are,
    so one grid of steps serves all dimensions: after sorting, a distance is one weighted sum.

    Parameters
    ----------
    x, y
        ``float [n, d]`` and ``float [m, d]``: two sets of points.

    Returns
    -------
    ``float64 [d]``
        In the unit of the points, summed in float64.

    Raises
    ------
    InputError
        If a set is empty, holds a value that is not finite, or their widths differ.
    """
    x, y = check_sets(x, y)
    index_x, index_y, weights = _common_steps(len(x), len(y))
    distances = np.empty(x.shape[1], dtype=np.float64)
    width = max(1, _CHUNK_VALUES // max(len(x), len(y)))
    for first in range(0, x.shape[1], width):
        chunk = slice(first, first + width)
        # A dimension a row, so that sorting and taking run along memory.
        quantiles_x = np.sort(np.ascontiguousarray(x[:, chunk].T), axis=1)
        quantiles_y = np.sort(np.ascontiguousarray(y[:, chunk].T), axis=1)
        difference = np.take(quantiles_x, index_x, axis=1).astype(np.float64, copy=False)
        difference -= np.take(quantiles_y, index_y, axis=1)
        np.abs(difference, out=difference)
        distances[chunk] = difference @ weights
    return distances


def _common_steps(n: int, m: int) -> tuple[NDArray[np.intp], NDArray[np.intp], FloatArray]:
    """Find the steps of both quantile functions: which sorted value each takes, and their widths.

    In units of 1/(n m) all steps are whole numbers, so none is lost or doubled by rounding.
    """
    ends = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)
    starts = np.concatenate([[0], ends[:-1]])
    return starts // m, starts // n, (ends - starts) / (n * m)


def unit_directions(dimensions: int, count: int, seed: int) -> FloatArray:
    """Draw random unit vectors for the sliced distance: ``float64 [dimensions, count]``."""
    with _pot_without_torch() as ot:
        directions: FloatArray = ot.sliced.get_random_projections(dimensions, count, seed)
    return directions


def _sliced(x: FloatArray, y: FloatArray, projections: int, seed: int) -> float:
    directions = unit_directions(x.shape[1], projections, seed)
    with _pot_without_torch() as ot:
        # With p = 1 the p-th power that POT's 1-D distance returns is the distance itself.
        return float(ot.sliced_wasserstein_distance(x, y, p=1, projections=directions))


def ground_cost(x: NDArray[Any], y: NDArray[Any]) -> FloatArray:
    """Return Euclidean distances, ``float64 [n, m]``, of ``float [n, d]`` and ``float [m, d]``."""
    # scipy's differences, not POT's expansion of the square, which cancels for close points.
    from scipy.spatial.distance import cdist

    cost: FloatArray = cdist(x, y)
    return cost


def solve_transport(
    cost: FloatArray, mass: FloatArray | None = None, reference_mass: FloatArray | None = None
) -> float:
    """Find the least cost of moving one set of points onto another, by the network simplex.

    Parameters
    ----------
    cost
        ``float64 [n, m]``: cost of moving one unit of mass.
    mass, reference_mass
        ``float64 [n]`` and ``float64 [m]``: mass of each point, of sum 1; the same for all unless
        given.

    Returns
    -------
    float
        In the unit of `cost`.

    Raises
    ------
    RuntimeError
        If the solver gives up.
    """
    with _pot_without_torch() as ot:
        distance, report = ot.emd2(
            [] if mass is None else mass,
            [] if reference_mass is None else reference_mass,
            cost,
            numItermax=10_000_000,
            log=True,
        )
    if report["warning"] is not None:
        raise RuntimeError(
            f"The exact distance of {cost.shape[0]} and {cost.shape[1]} points was not found: "
            f"{report['warning']}"
        )
    return float(distance)


def subsampled_rows(count: int, cap: int, generator: np.random.Generator) -> NDArray[np.intp]:
    """Choose rows that stand for `count` points: all, or `cap` drawn without replacement."""
    if count <= cap:
        return np.arange(count)
    return np.sort(generator.choice(count, size=cap, replace=False))


@contextmanager
def _pot_without_torch() -> Iterator[Any]:
    """Import POT without its torch backend; the environment is afterwards what it was."""
    name = "POT_BACKEND_DISABLE_PYTORCH"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        import ot
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
    yield ot


def check_sets(x: ArrayLike, y: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return embeddings and reference as float arrays, or say what is wrong with them.

    Parameters
    ----------
    x, y
        ``float [n, d]`` and ``float [m, d]``: embeddings of a test set and of the reference set.

    Returns
    -------
    ndarray, ndarray
        The same; float32 is kept, anything else becomes float64.

    Raises
    ------
    InputError
        If a set is empty, holds a value that is not finite, or their widths differ.
    """
    checked = []
    for points, name in ((x, "embeddings"), (y, "reference embeddings")):
        array = np.asarray(points)
        # A large set in float64 would be twice the memory, for digits that no detector computes.
        if array.dtype != np.float32:
            array = array.astype(np.float64, copy=False)
        if array.ndim != 2 or array.shape[1] == 0:
            raise InputError(
                f"The {name} have shape {array.shape}: give one row an utterance, "
                "one column a dimension."
            )
        if len(array) == 0:
            raise InputError(
                f"There are no {name}: the drift needs fake utterances in the test set "
                "and in the reference set."
            )
        finite = np.isfinite(array).all(axis=1)
        if not finite.all():
            raise InputError(
                f"{int((~finite).sum())} of {len(array)} {name} hold a value that is not finite; "
                f"the first is row {int(np.argmin(finite))}. Extract these embeddings again."
            )
        checked.append(array)
    if checked[0].shape[1] != checked[1].shape[1]:
        raise InputError(
            f"The embeddings have {checked[0].shape[1]} dimensions but the reference has "
            f"{checked[1].shape[1]}: both must come from the same model."
        )
    return checked[0], checked[1]
