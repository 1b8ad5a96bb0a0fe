"""Some steps of a stage on the largest batches of its data: how fast, and in how much memory.

What runs is what a fine-tuning job runs: its policies, batches, data loading and steps. Nothing of
it is kept but the figures.
"""

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

import torch

from sdd.data.audio import SAMPLE_RATE
from sdd.data.batch_loading import load_batches
from sdd.data.dataset import Batch
from sdd.detector.architectures import find_architecture
from sdd.experiment.costs import training_passes
from sdd.runtime.atomic_files import remove_if_empty
from sdd.runtime.device_facts import device_model, peak_memory
from sdd.runtime.machine import Machine
from sdd.runtime.stopping import STOPPED, StopRequest
from sdd.training.finetuning import ReadyStage, Stage, StageInputs, load_stage
from sdd.training.gpu_memory import refuse_the_same
from sdd.training.rehearsal import largest_first
from sdd.training.trainer import Trainer
from sdd.training.training_data import TrainingData

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PilotRun:
    """How long a stage is piloted.

    Attributes
    ----------
    steps, warm_up_steps
        Steps that are timed, and those before them that are not.
    minutes
        The most that all of them may take; two steps at least are taken, one of them timed.
    """

    steps: int
    warm_up_steps: int
    minutes: float


@dataclass(frozen=True)
class TimedSteps:
    """Steps that were timed, with the audio that went through them and the seconds they took."""

    steps: int
    segments: int
    audio_seconds: float
    seconds: float


def pilot_training(
    stage: Stage,
    files: StageInputs,
    data: TrainingData,
    run: PilotRun,
    machine: Machine,
    *,
    code: str,
    attempt: int = 1,
) -> dict[str, Any]:
    """Run some steps of a stage.

    Parameters
    ----------
    code, attempt
        As for `sdd.training.finetuning.finetune`.

    Returns
    -------
    dict
        `sdd.experiment.pilot.MACHINE_COLUMNS`.

    Raises
    ------
    InputError
        As a fine-tuning job would.
    SystemExit
        With status `STOPPED` when asked to stop.
    """
    refuse_the_same(files.state, attempt)
    ready = load_stage(stage, files, data, machine, code=code)
    ready.begin()
    device = ready.device
    with StopRequest().listening() as stop:
        timed = _run(ready, run, stop)
    if timed is None:
        raise SystemExit(STOPPED)
    peak = peak_memory(device)
    remove_if_empty(files.state, files.state.parent)
    architecture = find_architecture(stage.architecture)
    return {
        "device": device.type,
        "device_name": device_model(device),
        "passes": training_passes(architecture, stage.needs, recomputed=ready.recomputed),
        "steps": timed.steps,
        "segments": timed.segments,
        "audio_seconds": timed.audio_seconds,
        "seconds": timed.seconds,
        "speed": timed.audio_seconds / timed.seconds,
        "peak_gb": peak.gigabytes,
        "peak_of": peak.of,
    }


def _run(ready: ReadyStage, run: PilotRun, stop: StopRequest) -> TimedSteps | None:
    """Take the steps; None when asked to stop before the end."""
    trainer = ready.trainer
    batches = load_batches(
        trainer.dataset,
        largest_batches(trainer, run.warm_up_steps + run.steps),
        epoch=0,
        workers=trainer.machine.workers,
    )
    with closing(batches), ready.explained(lambda: f"step {trainer.progress.step} of the pilot"):
        return time_steps(batches, lambda batch: _step(trainer, batch), run, stop)


def largest_batches(trainer: Trainer, count: int) -> list[list[int]]:
    """Return so many batches of the first epoch, the largest first; over again if it has fewer."""
    return list(islice(cycle(largest_first(trainer)), count))


def _step(trainer: Trainer, batch: Batch) -> None:
    """Take a step to its very end: a GPU goes on after its last look at numbers."""
    trainer.train_step(batch)
    device = trainer.policies.policy.device
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def time_steps(
    batches: Iterable[Batch],
    step: Callable[[Batch], None],
    run: PilotRun,
    stop: StopRequest,
    clock: Callable[[], float] = time.monotonic,
) -> TimedSteps | None:
    """Take steps and time those after the first ones, waiting for data included.

    Parameters
    ----------
    batches
        As many as there may be steps, two at least.
    step
        Takes one, and returns when it is done.

    Returns
    -------
    TimedSteps or None
        None when asked to stop.
    """
    ends, done = [clock()], []
    for batch in batches:
        step(batch)
        ends.append(clock())
        done.append(batch)
        if stop.requested:
            return None
        if len(done) > 1 and ends[-1] - ends[0] > 60 * run.minutes:
            logger.info("%d steps took the %g minutes that there are", len(done), run.minutes)
            break
    first = min(run.warm_up_steps, len(done) - 1)
    timed, seconds = done[first:], ends[-1] - ends[first]
    audio = sum(batch.lengths.sum().item() for batch in timed) / SAMPLE_RATE
    logger.info("%d steps on %.0f s of audio in %.1f s", len(timed), audio, seconds)
    return TimedSteps(len(timed), sum(len(batch.labels) for batch in timed), audio, seconds)
