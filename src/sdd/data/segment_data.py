"""Segment tables as data sets, and as batches whose order does not matter."""

from pathlib import Path
from typing import Any

import numpy as np

from sdd.data.dataset import SegmentDataset
from sdd.data.segments import Segments

SAMPLE_RATE = 16_000


def length_sorted_batches(durations: np.ndarray, budget_seconds: float) -> list[list[int]]:
    """Group segments of similar length, so that little is padded.

    Parameters
    ----------
    durations
        [N], in seconds.
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


def make_dataset(table: Segments, audio_folder: Path, **options: Any) -> SegmentDataset:  # noqa: ANN401
    """Make the data set of a segment table; options are those of `SegmentDataset`."""
    return SegmentDataset(
        files=table.file,
        starts=table.start,
        ends=table.end,
        labels=is_real(table).astype(np.int64),
        audio_folder=audio_folder,
        **options,
    )


def durations(table: Segments) -> np.ndarray:
    """Give the durations of a table's segments in seconds, [N]."""
    seconds: np.ndarray = (table.end - table.start) / SAMPLE_RATE
    return seconds


def is_real(table: Segments) -> np.ndarray:
    """Give the classes of a table's segments, [N] bool."""
    real: np.ndarray = np.array(table.label) == "real"
    return real
