"""Scores of a sample of each test set, and how fast they came.

What runs is what a scoring job runs on a set.
"""

import logging
import math
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sdd.data.segments import Segments, read_segments, without_suffixes
from sdd.detector.checkpoints.loading import load_detector
from sdd.detector.detector import Detector
from sdd.detector.inference import BatchPredictions
from sdd.experiment.scoring_batches import scoring_batch_seconds
from sdd.runtime.device_facts import device_model, peak_memory
from sdd.runtime.devices import choose_device, describe_device, prepare_process
from sdd.runtime.machine import Machine
from sdd.runtime.stopping import StopRequest
from sdd.scoring.partial_scores import PartialScores
from sdd.scoring.score_tables import LEAST_TRIALS, check_classes, write_scores
from sdd.scoring.set_scoring import ScoringSettings, SetFiles, score_set

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sample:
    """What is drawn of each set.

    Attributes
    ----------
    segments
        How many; half of them real.
    audio_minutes
        The most; ten segments of a class are drawn at least.
    """

    segments: int
    audio_minutes: float
    seed: int


def draw_sample(table: Segments, sample: Sample) -> Segments:
    """Draw segments of both classes at random, as many of each, where a class has as many."""
    generator = np.random.default_rng(sample.seed)
    real = table.is_real
    rows = np.concatenate(
        [_drawn(np.flatnonzero(of), table.durations, sample, generator) for of in (real, ~real)]
    )
    return table.select(np.sort(rows).tolist())


def _drawn(
    rows: npt.NDArray[np.intp],
    durations: npt.NDArray[np.float64],
    sample: Sample,
    generator: np.random.Generator,
) -> npt.NDArray[np.intp]:
    order = generator.permutation(rows)[: sample.segments // 2]
    audio = np.cumsum(durations[order])
    fitting = int(np.searchsorted(audio, 60 * sample.audio_minutes / 2, side="right"))
    drawn: npt.NDArray[np.intp] = order[: max(LEAST_TRIALS, fitting)]
    return drawn


class TimedScores(PartialScores):
    """Scores that are kept in memory alone, with the time at which each batch was there."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(folder, {}, save_minutes=math.inf)
        self.clock = clock
        self.ends: list[float] = []
        self.rows: list[npt.NDArray[np.int64]] = []

    def add(self, predictions: BatchPredictions) -> bool:
        """Take a batch, the next in order, and note the time."""
        self.ends.append(self.clock())
        self.rows.append(predictions.rows)
        return super().add(predictions)

    def timed(self, durations: npt.NDArray[np.float64]) -> tuple[float, float]:
        """Return seconds of audio, and of time, from the first batch's end to the last's.

        Starting data-loading processes, which is over then, takes longer than a sample does. NaN
        for the time where there is one batch.
        """
        if len(self.ends) < 2:
            return float(durations.sum()), math.nan
        audio = sum(float(durations[rows].sum()) for rows in self.rows[1:])
        return audio, self.ends[-1] - self.ends[0]


def pilot_scoring(
    model: Path,
    settings: ScoringSettings,
    sets: Sequence[SetFiles],
    sample: Sample,
    *,
    audio_folder: Path,
    machine: Machine,
) -> list[dict[str, Any]]:
    """Score a sample of each set with one detector, and write the scores.

    Returns
    -------
    list of dict
        A row for each set: name, `sdd.experiment.pilot.MACHINE_COLUMNS`, n_real and n_fake; the
        peak of memory is that of the whole process.

    Raises
    ------
    InputError
        As a scoring job would; and if a set has too few segments of a class for an error rate.
    SystemExit
        With status `sdd.runtime.stopping.STOPPED` when asked to stop.
    """
    device = choose_device(machine.device)
    logger.info("device: %s", describe_device(device))
    # The precision is a matter of the detector's passes alone.
    prepare_process("fp32", machine.threads)
    detector = load_detector(model, settings.architecture).to(device)
    budget = scoring_batch_seconds(settings.batch_seconds, device.type)
    rows = []
    with StopRequest().listening() as stop:
        for files in sets:
            table = _sampled(files.table, settings, sample)
            row = _score(
                detector, table, files, settings, budget, stop, audio_folder, machine.workers
            )
            rows.append({"name": files.table.stem, **row})
    peak = peak_memory(device)
    same = {
        "device": device.type,
        "device_name": device_model(device),
        "passes": 1,
        "peak_gb": peak.gigabytes,
        "peak_of": peak.of,
    }
    return [row | same for row in rows]


def _sampled(path: Path, settings: ScoringSettings, sample: Sample) -> Segments:
    table = without_suffixes(read_segments(path), settings.skip_suffixes)
    check_classes(path, table.is_real)
    return draw_sample(table, sample)


def _score(
    detector: Detector,
    table: Segments,
    files: SetFiles,
    settings: ScoringSettings,
    batch_seconds: float,
    stop: StopRequest,
    audio_folder: Path,
    workers: int,
) -> dict[str, Any]:
    """Score a sample and write its scores; return what it took."""
    # What is asked to stop in between leaves nothing: a sample takes a minute.
    with tempfile.TemporaryDirectory() as folder:
        timed = TimedScores(Path(folder) / files.table.stem)
        predictions = score_set(
            detector,
            table,
            timed,
            stop,
            audio_folder=audio_folder,
            batch_seconds=batch_seconds,
            precision=settings.precision,
            workers=workers,
            embeddings=False,
        )
    write_scores(files.scores, table, predictions.logits)
    audio, seconds = timed.timed(table.durations)
    return {
        "steps": len(timed.ends),
        "segments": len(table),
        "audio_seconds": audio,
        "seconds": seconds,
        "speed": audio / seconds,
        "n_real": int(table.is_real.sum()),
        "n_fake": int((~table.is_real).sum()),
    }
