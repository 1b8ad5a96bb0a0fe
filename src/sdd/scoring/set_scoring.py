"""Scoring sets of segments: from waveforms to score and embedding tables."""

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from sdd.data.batch_loading import load_batches
from sdd.data.batching import length_sorted_batches
from sdd.data.dataset import SegmentDataset
from sdd.data.segments import Segments, read_segments, without_suffixes
from sdd.detector.checkpoints.loading import load_detector
from sdd.detector.detector import Detector
from sdd.detector.inference import Predictions, predict_batches
from sdd.errors import InputError
from sdd.experiment.scoring_batches import scoring_batch_seconds
from sdd.runtime.atomic_files import remove_if_empty
from sdd.runtime.devices import (
    Precision,
    choose_device,
    describe_device,
    describe_precision,
    prepare_process,
    used_precision,
)
from sdd.runtime.digests import file_digest
from sdd.runtime.machine import Machine
from sdd.runtime.progress import progress_bar
from sdd.runtime.stopping import STOPPED, StopRequest
from sdd.scoring.embedding_tables import write_embeddings
from sdd.scoring.partial_scores import PartialScores
from sdd.scoring.score_tables import write_scores

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScoringSettings:
    """What scores depend on: their slice of the config.

    Attributes
    ----------
    architecture
        Of the detector, by name or as a mapping.
    skip_suffixes
        Sources of these kinds are not scored (a switch of the recipe).
    batch_seconds
        Audio of a forward pass; `auto` is what suits the device.
    precision
        That of a GPU; a CPU computes in fp32.
    """

    architecture: str | Mapping[str, Any]
    skip_suffixes: Sequence[str]
    batch_seconds: float | Literal["auto"]
    precision: Precision


@dataclass(frozen=True)
class SetFiles:
    """Where a set comes from and goes to.

    Attributes
    ----------
    table
        The segment table of the set.
    scores, embeddings
        Where the score table goes, and that of the embeddings of its fake segments; None where
        these are not wanted.
    """

    table: Path
    scores: Path
    embeddings: Path | None = None


def score_sets(
    model: Path,
    settings: ScoringSettings,
    sets: Sequence[SetFiles],
    *,
    audio_folder: Path,
    state: Path,
    code: str,
    machine: Machine,
) -> None:
    """Score segment tables with one detector, which is read once.

    A run that is killed goes on within the set it was at; its scores are, to the byte, those of a
    run that was not (on the same machine).

    Parameters
    ----------
    audio_folder
        The folder of the prepared FLAC files.
    state
        Folder of what is scored so far; removed at the end.
    code
        Digest of the code: scores of other code are not gone on with.

    Raises
    ------
    InputError
        If the detector, a table or a FLAC file cannot be used.
    SystemExit
        With status `STOPPED` after SIGTERM or SIGUSR1, when what is scored has been saved.
    """
    device = choose_device(machine.device)
    budget = scoring_batch_seconds(settings.batch_seconds, device.type)
    # The precision is a matter of the detector's passes alone (`forward`).
    prepare_process("fp32", machine.threads)
    precision = describe_precision(device, settings.precision)
    logger.info("device: %s; precision: %s", describe_device(device), precision)
    made_from = {
        **_made_from(settings, budget, device),
        "model": file_digest(model),
        "code": code,
    }
    detector = load_detector(model, settings.architecture).to(device)
    done = []
    stop = StopRequest()
    for files in sets:
        table = _scored_segments(files.table, settings.skip_suffixes)
        wanted = files.embeddings is not None
        of_set = {"table": file_digest(files.table), "embeddings": wanted}
        partial = PartialScores(state / files.table.stem, made_from | of_set, machine.save_minutes)
        done.append(partial)
        with stop.listening():
            predictions = score_set(
                detector,
                table,
                partial,
                stop,
                audio_folder=audio_folder,
                batch_seconds=budget,
                precision=settings.precision,
                workers=machine.workers,
                embeddings=wanted,
            )
        write_scores(files.scores, table, predictions.logits)
        if files.embeddings is not None and predictions.embeddings is not None:
            write_embeddings(files.embeddings, table, predictions.embeddings)
    # Not set by set: should the job fail at a later one, Snakemake deletes what the others wrote.
    for partial in done:
        partial.remove()
    remove_if_empty(state, state.parent)


def _made_from(settings: ScoringSettings, budget: float, device: torch.device) -> dict[str, object]:
    """Return what a bit of a score may depend on beside model and code: else it is scored again."""
    return {
        "skip_suffixes": list(settings.skip_suffixes),
        "batch_seconds": budget,
        "precision": used_precision(device, settings.precision),
        "device": device.type,
        "torch": torch.__version__,
    }


def _scored_segments(path: Path, skip_suffixes: Sequence[str]) -> Segments:
    """Read a set, less the sources that the recipe skips."""
    table = without_suffixes(read_segments(path), skip_suffixes)
    if len(table) == 0:
        raise InputError(
            f"{path}: all its sources are of the kinds {', '.join(skip_suffixes)}, which the "
            "recipe skips (skip_suffixes); leave the set out (leave_out)"
        )
    return table


def score_set(
    detector: Detector,
    table: Segments,
    partial: PartialScores,
    stop: StopRequest,
    *,
    audio_folder: Path,
    batch_seconds: float,
    precision: Precision,
    workers: int,
    embeddings: bool,
) -> Predictions:
    """Score the segments of a table, but for those that are scored already.

    Parameters
    ----------
    detector
        On the device to compute on.
    partial
        What is scored of the set so far; it takes the rest.
    stop
        Looked at after each batch.
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
    name, seconds = partial.folder.name, table.durations
    batches = length_sorted_batches(seconds, batch_seconds)
    finished = float(sum(seconds[batch].sum() for batch in batches[: partial.batches]))
    if partial.batches:
        logger.info("%s: %.0f %% is scored already", name, 100 * finished / seconds.sum())
    dataset = SegmentDataset.of(table, audio_folder)
    loader = load_batches(dataset, batches, epoch=0, first=partial.batches, workers=workers)
    found = predict_batches(detector, loader, precision=precision, embeddings=embeddings)
    # What an earlier run scored is no part of the pace, but of the bar.
    pace = Pace(name, float(seconds.sum()), finished)
    total, initial = round(seconds.sum()), round(finished)
    with (
        closing(loader),
        progress_bar(desc=name, total=total, initial=initial, unit=" s") as bar,
    ):
        for predictions in found:
            scored = float(seconds[predictions.rows].sum())
            pace.add(scored)
            bar.update(round(pace.finished) - bar.n)
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
