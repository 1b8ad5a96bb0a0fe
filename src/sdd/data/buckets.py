"""Buckets of similar durations, by which training makes batches, and how full these come out."""

import logging
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from sdd.data.segments import read_segments
from sdd.errors import InputError

FloatArray = npt.NDArray[np.float64]

HALF_FULL = 0.5
"""Batches that hold a smaller share of their budget than this are told."""
MANY_BUCKETS = 200

logger = logging.getLogger(__name__)


def bucket_boundaries(budget_seconds: float = 100.0, buckets: int = 20) -> FloatArray:
    """Return the longest duration of each bucket.

    The quantiles of a log-normal distribution of shape 1 at i / (buckets + 1), i = 1..buckets,
    scaled so that the last equals the budget: SpeechBrain's DynamicBatchSampler.

    Returns
    -------
    ndarray
        ``float64 [buckets]``, in seconds, ascending.

    Raises
    ------
    InputError
        If the budget or the number of buckets is not positive.
    """
    if buckets < 1 or not 0 < budget_seconds < np.inf:
        raise InputError(
            f"batches need a positive budget and at least one bucket, not {budget_seconds} s "
            f"and {buckets}; correct batch_seconds or buckets"
        )
    normal = NormalDist()
    quantiles = np.exp([normal.inv_cdf(i / (buckets + 1)) for i in range(1, buckets + 1)])
    boundaries: FloatArray = quantiles * budget_seconds / quantiles[-1]
    return boundaries


def capacities(budget_seconds: float, buckets: int) -> list[int]:
    """Return the segments of a full batch of each bucket, and at last of those beyond all.

    A batch is counted by the longest duration of its bucket. The first bucket's is the same share
    of any budget, so its capacity depends on the number of buckets alone: 5 make at most 6
    segments, 20 at most 28.
    """
    boundaries = bucket_boundaries(budget_seconds, buckets)
    return [*(max(1, int(budget_seconds / boundary)) for boundary in boundaries), 1]


def budgeted_durations(
    durations: FloatArray, *, longer_than: float, longest: float, whole: bool
) -> FloatArray:
    """Return the durations that batches are planned by, ``float64 [N]``, in seconds.

    Parameters
    ----------
    longer_than, longest
        Segments longer than the one are cropped to the other, at the most.
    whole
        Whether durations before cropping count.
    """
    if whole:
        return durations
    cropped: FloatArray = np.where(durations > longer_than, longest, durations)
    return cropped


@dataclass(frozen=True)
class Filling:
    """How full the batches of an epoch are.

    Attributes
    ----------
    seconds
        Audio of a full batch, without padding, on average.
    segments
        The most that a full batch of a bucket in use has.
    """

    seconds: float
    segments: int


def filling(durations: FloatArray, budget_seconds: float, buckets: int) -> Filling:
    """Compute how full batches are: all audio over the number of full batches that it makes.

    Parameters
    ----------
    durations
        ``float64 [N]``, in seconds, as they are budgeted.
    """
    bucket = np.searchsorted(bucket_boundaries(budget_seconds, buckets), durations)
    capacity = np.array(capacities(budget_seconds, buckets))[bucket]
    return Filling(float(durations.sum() / (1 / capacity).sum()), int(capacity.max()))


def small_batches(
    durations: FloatArray, budget_seconds: float, buckets: int, *, fixed: bool = False
) -> str:
    """Say that batches come out much smaller than asked for; empty where they do not.

    Parameters
    ----------
    fixed
        Whether the number of buckets is none of the config.
    """
    found = filling(durations, budget_seconds, buckets)
    if found.seconds >= HALF_FULL * budget_seconds:
        return ""
    larger = next(
        (
            more
            for more in range(buckets + 1, MANY_BUCKETS + 1)
            if filling(durations, budget_seconds, more).seconds >= HALF_FULL * budget_seconds
        ),
        None,
    )
    remedy = f"set batch_seconds to {found.seconds:.3g}, which is what they hold"
    if larger is not None and not fixed:
        remedy = f"set buckets to {larger} or more, or {remedy}"
    return (
        f"batches hold {found.seconds:.3g} s of audio, not batch_seconds ({budget_seconds:g}): "
        f"with {buckets} buckets and segments of {np.median(durations):.3g} s (median) none has "
        f"more than {found.segments}, whatever batch_seconds is; {remedy}"
    )


def warn_of_small_batches(
    durations: FloatArray, budget_seconds: float, buckets: int, *, fixed: bool = False
) -> None:
    """Log what `small_batches` says."""
    text = small_batches(durations, budget_seconds, buckets, fixed=fixed)
    if text:
        logger.warning('%s (docs/own-corpus.md, "How large batches are")', text)


def notes_on_batches(table: Path, recipe: Mapping[str, Any]) -> list[str]:
    """Say in lines of 80 columns that batches will be small; nothing where they are not.

    Parameters
    ----------
    table
        Segment table of the training set; nothing is said of one that is not there yet.
    recipe
        One of the config.
    """
    if not table.is_file():
        return []
    crop = recipe["crop"]
    durations = budgeted_durations(
        read_segments(table).durations,
        longer_than=crop["longer_than"],
        longest=crop["longest"],
        whole=recipe["batch_durations"] == "whole",
    )
    text = small_batches(durations, recipe["batch_seconds"], recipe["buckets"])
    return textwrap.wrap(f"Training: {text}. Its hours above are of full batches.", 80) * bool(text)
