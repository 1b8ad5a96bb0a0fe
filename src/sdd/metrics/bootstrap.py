"""Error rates of resampled trials: a bootstrap over clusters.

Trials of one speaker or one recording are not independent: they share a voice, a channel and, if
fake, a way of faking. So whole clusters are drawn, never trials. A cluster is drawn K ~ Poisson(1)
times in each replicate [1]_, and K is a function of the cluster's name and the replicate's number
alone. Hence two detectors, or two test sets cut from the same recordings, see the same draws:
replicates can be subtracted and averaged one by one, and the result is a paired bootstrap.

References
----------
.. [1] N. Chamandy, O. Muralidharan, A. Najmi, S. Naidu, "Estimating uncertainty for massive data
   streams", Google technical report, 2012.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sdd.errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
KeyArray = NDArray[np.uint64]
WeightArray = NDArray[np.uint8]

REPLICATES = 2000

# Weights times trials held at a time; bounds the memory whatever the number of trials.
_CHUNK = 2**21
# Trials that are counted together; 256 times the largest weight fits in 16 bits.
_BLOCK = 256
_LARGEST_WEIGHT = 12


class RankedTrials:
    """The trials of one detector on one test set, sorted once for many weightings.

    Parameters
    ----------
    scores
        ``float [n]``: higher means more likely real; finite.
    real
        ``bool [n]``: which trials are real; both classes must occur.
    units
        ``int [n]``: the column of the weights that a trial counts by, such as that of its cluster.

    Raises
    ------
    InputError
        If shapes differ, a class has no trial, or a score is not finite.
    """

    def __init__(self, scores: ArrayLike, real: ArrayLike, units: ArrayLike) -> None:
        values = np.asarray(scores, dtype=np.float64)
        labels = np.asarray(real, dtype=bool)
        columns = np.asarray(units, dtype=np.intp)
        if not values.ndim == labels.ndim == columns.ndim == 1 or not (
            values.size == labels.size == columns.size
        ):
            raise InputError(
                f"{values.shape} scores, {labels.shape} labels and {columns.shape} clusters: "
                "give one of each a trial."
            )
        if not labels.any() or labels.all():
            missing = "fake" if labels.all() else "real"
            raise InputError(
                f"There are no scores of {missing} trials: an error rate needs trials of both "
                "classes."
            )
        if not np.isfinite(values).all():
            position = int(np.argmin(np.isfinite(values)))
            raise InputError(
                f"The score of trial {position + 1} is {values[position]}: score it again."
            )
        order = np.argsort(values, kind="stable")
        ranked = values[order]
        self._units: IntArray = np.zeros(-(-values.size // _BLOCK) * _BLOCK, dtype=np.intp)
        self._units[: values.size] = columns[order]
        # Of each class 1 where the trial is of it; 0 for both where a block is filled up.
        self._real = np.zeros(self._units.size, dtype=np.uint8)
        self._real[: values.size] = labels[order]
        self._fake = np.zeros(self._units.size, dtype=np.uint8)
        self._fake[: values.size] = ~labels[order]
        # A threshold lies after the last of equal scores.
        last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
        group = np.searchsorted(last, np.arange(values.size))
        self._last: IntArray = last[group]
        self._last_before: IntArray = np.append(-1, last)[group]

    def weighted_eers(self, weights: WeightArray) -> FloatArray:
        """Compute the EER under each of many weightings, as `eer` of the repeated trials does.

        Parameters
        ----------
        weights
            ``uint8 [b, n_units]``: how often each unit's trials count.

        Returns
        -------
        ``float64 [b]``
            Fractions; NaN where a class has no trial left.
        """
        result = np.empty(len(weights), dtype=np.float64)
        rows = max(1, _CHUNK // self._units.size)
        for first in range(0, len(weights), rows):
            chunk = np.take(weights[first : first + rows], self._units, axis=1)
            result[first : first + rows] = self._eers(chunk)
        return result

    def _eers(self, weights: WeightArray) -> FloatArray:
        """Compute ``float64 [b]``, the EERs of weights ``uint8 [b, n]`` of the ranked trials.

        With R and F the trials of a class at or below a threshold, of n_R and n_F in all,
        FRR - FAR = R / n_R + F / n_F - 1. Times n_R n_F these are whole numbers, so thresholds are
        compared without rounding. Trials are counted by blocks first, then within one block.
        """
        rows = np.arange(len(weights))
        blocks = weights.reshape(len(weights), -1, _BLOCK)
        masks = [mask.reshape(-1, _BLOCK) for mask in (self._real, self._fake)]
        # Trials of each class up to the end of each block: real, fake [b, n / _BLOCK]. Running sums
        # over all trials would take 16 bytes for each trial and replicate.
        sums = [np.cumsum((blocks * m).sum(axis=2, dtype=np.uint16), axis=1, dtype=np.int64)
                for m in masks]  # fmt: skip
        n_real, n_fake = sums[0][:, -1], sums[1][:, -1]
        whole = n_real * n_fake

        def counts(position: IntArray) -> list[NDArray[np.int64]]:
            """Count real and fake trials of each row up to a position, itself included."""
            block, within = np.divmod(np.maximum(position, 0), _BLOCK)
            inside = blocks[rows, block] * (np.arange(_BLOCK) <= within[:, None])
            found = []
            for mask, total in zip(masks, sums, strict=True):
                part = (inside * mask[block]).sum(axis=1, dtype=np.int64)
                found.append(np.where(block > 0, total[rows, block - 1], 0) + part)
            return [np.where(position < 0, 0, number) for number in found]

        # FRR - FAR rises with the threshold, so its zero lies between two neighbours: the lowest
        # threshold with FRR >= FAR, and the one below it. First the block of the former, then the
        # trial within that block.
        block = np.argmax(
            sums[0] * n_fake[:, None] + sums[1] * n_real[:, None] >= whole[:, None], 1
        )
        before = [np.where(block > 0, total[rows, block - 1], 0) for total in sums]
        inner = [
            start[:, None] + np.cumsum(blocks[rows, block] * mask[block], axis=1, dtype=np.int64)
            for start, mask in zip(before, masks, strict=True)
        ]
        reached = inner[0] * n_fake[:, None] + inner[1] * n_real[:, None] >= whole[:, None]
        first = np.minimum(block * _BLOCK + np.argmax(reached, axis=1), self._last.size - 1)
        # Equal scores are one threshold: what counts is the last trial of a run of them.
        above, below = counts(self._last[first]), counts(self._last_before[first])
        excess, lack = (
            np.abs(real * n_fake + fake * n_real - whole) for real, fake in (above, below)
        )
        # Whichever is nearer to FRR = FAR; the lower one if both are as near, as `eer` has it.
        rejected, kept_out = (
            np.where(lack <= excess, low, high) for low, high in zip(below, above, strict=True)
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            eers: FloatArray = (rejected / n_real + (n_fake - kept_out) / n_fake) / 2
        return np.where(whole > 0, eers, np.nan)


def cluster_keys(names: Sequence[str], corpus: str = "", seed: int = 0) -> KeyArray:
    """Return the keys from which the draws of clusters are made.

    Parameters
    ----------
    names
        Of the clusters, within a corpus.
    corpus
        Clusters of two corpora may share a name.
    seed
        Another seed gives other draws.

    Returns
    -------
    ``uint64 [n]``
        Equal for equal arguments, on every machine.
    """
    digests = b"".join(
        hashlib.blake2b(f"{seed}/{corpus}/{name}".encode(), digest_size=8).digest()
        for name in names
    )
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def poisson_weights(keys: KeyArray, first: int, count: int) -> WeightArray:
    """Draw how often each cluster counts in some of the replicates.

    Parameters
    ----------
    keys
        ``uint64 [s]``, of the clusters, from `cluster_keys`.
    first
        Number of the first replicate, a multiple of 4.

    Returns
    -------
    ``uint8 [count, s]``
        Poisson(1) numbers of 16 random bits each: probabilities are right within 2^-17.
    """
    if first % 4:
        raise ValueError(f"the first replicate is {first}: it must be a multiple of 4")
    words = np.arange(first // 4, -(-(first + count) // 4), dtype=np.uint64)
    bits = _splitmix64(keys[None, :] ^ _splitmix64(words)[:, None])
    # Each word of 64 bits serves four replicates.
    parts = [(bits >> np.uint64(16 * part)).astype(np.uint16) for part in range(4)]
    numbers = np.stack(parts, axis=1).reshape(-1, len(keys))[:count]
    return _poisson_table()[numbers]


def weight_chunks(keys: KeyArray, replicates: int) -> Iterator[WeightArray]:
    """Yield the weights of all replicates, some at a time.

    Parameters
    ----------
    keys
        ``uint64 [s]``, of the clusters, from `cluster_keys`.

    Yields
    ------
    ``uint8 [b, s]``
        In order; memory stays bounded whatever s is.
    """
    rows = max(4, 4 * _CHUNK // max(1, len(keys)) // 4 * 4)
    for first in range(0, replicates, rows):
        yield poisson_weights(keys, first, min(rows, replicates - first))


def _splitmix64(state: KeyArray) -> KeyArray:
    """Mix 64 bits (the finaliser of Steele, Lea and Flood's SplitMix generator)."""
    with np.errstate(over="ignore"):
        z = state + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed: KeyArray = z ^ (z >> np.uint64(31))
    return mixed


def _poisson_table() -> WeightArray:
    """Return the Poisson(1) number of each of 65,536 equally likely values."""
    probabilities = np.array([math.exp(-1) / math.factorial(k) for k in range(_LARGEST_WEIGHT)])
    bounds = np.round(2**16 * np.cumsum(probabilities))
    return np.searchsorted(bounds, np.arange(2**16), side="right").astype(np.uint8)
