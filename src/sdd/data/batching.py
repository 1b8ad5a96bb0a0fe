"""Which segments share a batch: in a random order for training, by length where order is free."""

import numpy as np
import numpy.typing as npt
import torch

from sdd.data.buckets import bucket_boundaries, capacities
from sdd.errors import InputError


def plan_epoch(
    durations: npt.NDArray[np.floating],
    *,
    budget_seconds: float,
    buckets: int,
    seed: int,
    epoch: int,
) -> list[list[int]]:
    """Divide the segments into batches of similar durations, in a random order.

    SpeechBrain's DynamicBatchSampler: segments are visited in a random order; each goes to the
    first bucket whose boundary is not below its duration; a bucket that holds
    max(1, floor(budget / boundary)) segments is a batch (one segment beyond the last boundary),
    what is left in the buckets at the end are batches too, and the batches are shuffled. Both
    shuffles are torch permutations from seed + epoch, so that the order is the released one's.

    Parameters
    ----------
    durations
        ``float [N]``, in seconds: as they are budgeted, cropped or not.
    budget_seconds
        The most that a batch of several segments may hold, padding included.

    Returns
    -------
    list of list of int
        Indices of the segments of each batch; each segment appears once.

    Raises
    ------
    InputError
        If there is no segment, a duration is not positive, or the buckets are unusable.
    """
    durations = np.asarray(durations, dtype=np.float64)
    if durations.ndim != 1 or durations.size == 0:
        raise InputError("there is no segment to make batches of; check the training corpus")
    unusable = np.flatnonzero(~((durations > 0) & np.isfinite(durations)))
    if unusable.size:
        row = int(unusable[0])
        raise InputError(
            f"segment in row {row} has a duration of {durations[row]} s; "
            "remove it from the segment table or correct its start and end"
        )
    # The last "bucket" takes the segments beyond the last boundary, each a batch alone.
    capacity = capacities(budget_seconds, buckets)
    bucket_of = np.searchsorted(bucket_boundaries(budget_seconds, buckets), durations).tolist()
    filling: list[list[int]] = [[] for _ in capacity]
    batches: list[list[int]] = []
    for index in _permutation(durations.size, seed + epoch):
        bucket = bucket_of[index]
        filling[bucket].append(index)
        if len(filling[bucket]) == capacity[bucket]:
            batches.append(filling[bucket])
            filling[bucket] = []
    batches.extend(rest for rest in filling if rest)
    return [batches[place] for place in _permutation(len(batches), seed + epoch)]


def _permutation(count: int, seed: int) -> list[int]:
    # torch's and not numpy's: the order is then that of the released sampler.
    order: list[int] = torch.randperm(count, generator=torch.Generator().manual_seed(seed)).tolist()
    return order


def length_sorted_batches(durations: np.ndarray, budget_seconds: float) -> list[list[int]]:
    """Group segments of similar length, so that little is padded.

    Parameters
    ----------
    durations
        ``float [N]``, in seconds.
    budget_seconds
        The most that a batch may hold, padding included; a longer segment is a batch alone.

    Returns
    -------
    list of list of int
        Indices, longest first; each appears once.
    """
    batches: list[list[int]] = []
    longest = 0.0
    for index in np.argsort(-durations, kind="stable").tolist():
        if batches and (len(batches[-1]) + 1) * longest <= budget_seconds:
            batches[-1].append(index)
        else:
            batches.append([index])
            longest = float(durations[index])
    return batches
