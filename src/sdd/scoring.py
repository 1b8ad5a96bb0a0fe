"""Scoring sets of segments: from waveforms to score and embedding tables."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from sdd.batching import SegmentDataset, load_batches
from sdd.detector import load_detector
from sdd.inference import Precision, choose_device, predict, prepare
from sdd.results import write_embeddings, write_scores
from sdd.segments import Segments, read_segments, without_suffixes

SAMPLE_RATE = 16_000
logger = logging.getLogger(__name__)


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


def score_sets(
    model: Path,
    architecture: str | Mapping[str, Any],
    tables: Sequence[Path],
    scores: Sequence[Path],
    *,
    embeddings: Sequence[Path],
    audio_folder: Path,
    skip_suffixes: Sequence[str],
    batch_seconds: float,
    precision: Precision,
    device: str,
    threads: int,
    workers: int,
) -> None:
    """Score segment tables with one detector, which is read once.

    Parameters
    ----------
    model
        Weights of the detector.
    architecture
        Its architecture, by name or as a mapping.
    tables, scores, embeddings
        Segment tables and, in the same order, where their score tables go and, unless empty, the
        embedding tables of their fake segments.
    audio_folder
        The folder of the prepared FLAC files.
    skip_suffixes
        Sources of these kinds are not scored (a switch of the recipe).
    batch_seconds, precision, device, threads, workers
        How to compute.
    """
    where = choose_device(device)
    prepare(precision, threads)
    detector = load_detector(model, architecture).to(where)
    for number, (path, target) in enumerate(zip(tables, scores, strict=True)):
        table = without_suffixes(read_segments(path), skip_suffixes)
        batches = length_sorted_batches(durations(table), batch_seconds)
        loader = load_batches(make_dataset(table, audio_folder), batches, epoch=0, workers=workers)
        predictions = predict(
            detector,
            tqdm(loader, desc=path.stem, total=len(batches), disable=None),
            count=len(table),
            device=where,
            precision=precision,
            embeddings=bool(embeddings),
        )
        write_scores(target, table, predictions.logits)
        if embeddings and predictions.embeddings is not None:
            write_embeddings(embeddings[number], table, predictions.embeddings)
        logger.info("%s: %d segments scored", path.stem, len(table))
