"""Scoring sets of segments: from waveforms to score and embedding tables."""

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from tqdm import tqdm

from sdd.data.dataset import load_batches
from sdd.data.segment_data import durations, length_sorted_batches, make_dataset
from sdd.data.segments import Segments, read_segments, without_suffixes
from sdd.detector.checkpoints.loading import load_detector
from sdd.detector.detector import Detector
from sdd.detector.inference import Precision, Predictions, choose_device, predict_batches, prepare
from sdd.errors import InputError
from sdd.experiment.costs import scoring_batch_seconds
from sdd.runtime.atomic_files import remove_if_empty
from sdd.runtime.digests import file_digest
from sdd.runtime.stopping import STOPPED, StopRequest
from sdd.scoring.embedding_tables import write_embeddings
from sdd.scoring.partial_scores import PartialScores
from sdd.scoring.score_tables import write_scores

logger = logging.getLogger(__name__)


def score_sets(
    model: Path,
    architecture: str | Mapping[str, Any],
    tables: Sequence[Path],
    scores: Sequence[Path],
    *,
    embeddings: Sequence[Path],
    audio_folder: Path,
    state: Path,
    code: str,
    skip_suffixes: Sequence[str],
    batch_seconds: float | Literal["auto"],
    precision: Precision,
    device: str,
    threads: int,
    workers: int,
    save_minutes: float,
) -> None:
    """Score segment tables with one detector, which is read once.

    A run that is killed goes on within the set it was at; its scores are, to the byte, those of a
    run that was not (on the same machine).

    Parameters
    ----------
    architecture
        Its architecture, by name or as a mapping.
    tables, scores, embeddings
        Segment tables and, in the same order, where their score tables go and, unless empty, the
        embedding tables of their fake segments.
    audio_folder
        The folder of the prepared FLAC files.
    state
        Folder of what is scored so far; removed at the end.
    code
        Digest of the library: scores of other code are not gone on with.
    skip_suffixes
        Sources of these kinds are not scored (a switch of the recipe).
    batch_seconds, precision, device, threads, workers
        How to compute.
    save_minutes
        How much time a kill may cost.

    Raises
    ------
    InputError
        If the detector, a table or a FLAC file cannot be used.
    SystemExit
        With status `STOPPED` after SIGTERM or SIGUSR1, when what is scored has been saved.
    """
    where = choose_device(device)
    budget = scoring_batch_seconds(batch_seconds, where.type)
    prepare(precision, threads)
    made_from = {
        "model": file_digest(model),
        "code": code,
        "skip_suffixes": list(skip_suffixes),
        "batch_seconds": budget,
        "precision": precision,
        "embeddings": bool(embeddings),
        "device": where.type,
        "torch": torch.__version__,
    }
    detector = load_detector(model, architecture).to(where)
    done = []
    stop = StopRequest()
    for number, (path, target) in enumerate(zip(tables, scores, strict=True)):
        table = without_suffixes(read_segments(path), skip_suffixes)
        if len(table) == 0:
            raise InputError(
                f"{path}: all its sources are of the kinds {', '.join(skip_suffixes)}, which the "
                "recipe skips (skip_suffixes); leave the set out (leave_out)"
            )
        partial = PartialScores(
            state / path.stem, made_from | {"table": file_digest(path)}, save_minutes
        )
        done.append(partial)
        with stop.listening():
            predictions = score_set(
                detector,
                table,
                partial,
                stop,
                name=path.stem,
                audio_folder=audio_folder,
                batch_seconds=budget,
                precision=precision,
                device=where,
                workers=workers,
                embeddings=bool(embeddings),
            )
        write_scores(target, table, predictions.logits)
        if embeddings and predictions.embeddings is not None:
            write_embeddings(embeddings[number], table, predictions.embeddings)
    # Not set by set: should the job fail at a later one, Snakemake deletes what the others wrote.
    for partial in done:
        partial.remove()
    remove_if_empty(state, state.parent)


def score_set(
    detector: Detector,
    table: Segments,
    partial: PartialScores,
    stop: StopRequest,
    *,
    name: str,
    audio_folder: Path,
    batch_seconds: float,
    precision: Precision,
    device: torch.device,
    workers: int,
    embeddings: bool,
) -> Predictions:
    """Score the segments of a table, but for those that are scored already.

    Parameters
    ----------
    detector
        On `device`.
    partial
        What is scored of them so far; it takes the rest.
    stop
        Looked at after each batch.
    name
        Of the set, for the progress that is shown on a terminal and, at each part that is saved,
        in the log.
    audio_folder, batch_seconds, precision, device, workers
        As for `score_sets`.
    embeddings
        Whether pooled embeddings are wanted.

    Returns
    -------
    Predictions
        In the order of the table.

    Raises
    ------
    SystemExit
        With status `STOPPED` when asked to stop.
    """
    seconds = durations(table)
    batches = length_sorted_batches(seconds, batch_seconds)
    finished = float(sum(seconds[batch].sum() for batch in batches[: partial.batches]))
    if partial.batches:
        logger.info("%s: %.0f %% is scored already", name, 100 * finished / seconds.sum())
    loader = load_batches(
        make_dataset(table, audio_folder), batches, epoch=0, first=partial.batches, workers=workers
    )
    pace = Pace(name, float(seconds.sum()), finished)
    with tqdm(
        desc=name, total=round(seconds.sum()), initial=round(finished), unit=" s", disable=None
    ) as bar:
        for predictions in predict_batches(
            detector, loader, device=device, precision=precision, embeddings=embeddings
        ):
            scored = float(seconds[predictions.rows].sum())
            pace.add(scored)
            bar.update(scored)
            if partial.add(predictions) or stop.requested:
                logger.info("%s", pace)
            if stop.requested:
                partial.save()
                raise SystemExit(STOPPED)
    logger.info("%s: %d segments, %.0f s of audio scored", name, len(table), seconds.sum())
    return partial.complete(len(table))


class Pace:
    """How fast a set is scored, as a line for the log."""

    def __init__(self, name: str, total: float, finished: float) -> None:
        self.name, self.total, self.finished = name, total, finished
        self._began, self._at_first = time.monotonic(), finished

    def add(self, seconds: float) -> None:
        """Count audio that was scored."""
        self.finished += seconds

    def __str__(self) -> str:
        rate = (self.finished - self._at_first) / max(1e-9, time.monotonic() - self._began)
        # Rounding may leave less than nothing.
        left = max(0.0, self.total - self.finished) / max(1e-9, rate) / 60
        return (
            f"{self.name}: {100 * self.finished / self.total:.0f} % of {self.total:.0f} s of "
            f"audio, {rate:.1f} s a second, {left:.1f} minutes left"
        )
