"""What each job needs and asks for, from the config and the arithmetic of `costs`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sdd.detector.architectures import Architecture, find_architecture
from sdd.experiment.cells import Cell
from sdd.experiment.costs import (
    fits_gpu,
    forward_operations,
    scoring_gpu_bytes,
    training_disk_bytes,
    training_gpu_bytes,
    training_memory_bytes,
    training_passes,
    weight_bytes,
)
from sdd.experiment.experiment import Experiment
from sdd.experiment.scoring_batches import scoring_batch_seconds
from sdd.experiment.training_needs import TrainingNeeds

PROCESS_GB = 6.0
"""Python, torch, CUDA's share and the segment tables of a process; our estimate."""
PROFILE_GB = 8.0
"""What the Slurm profile asks for where a rule does not."""
WORKER_GB = 1.0
"""Of a data-loading process; our estimate."""
FLAC_GB_AN_HOUR = 0.07
"""16-bit FLAC at 16 kHz, 0.6 of the 0.115 GB of its samples; our estimate."""
FILLED = 0.9
"""Share of `batch_seconds` that a batch holds: 50 hours in about 2,000 batches of at most 100 s."""
MARGIN = 3.0
"""Jobs ask for this many times what arithmetic gives: no step was measured on a GPU."""
SHORTEST_HOURS = 1.0
UNKNOWN_HOURS = 8.0
"""Work of a job on sets whose hours of audio are not known."""
TRAINING_SEGMENT_SECONDS = 15.0
PAPER_CELLS = 54
"""17 fine-tuned rows of Table 1 in three rounds, and three rows that are not fine-tuned."""


@dataclass(frozen=True)
class Job:
    """What a job needs; `hours` is None where its audio is not known.

    Attributes
    ----------
    gpu_gb
        Memory of the GPU; 0 without one.
    passing_gb
        Disk while it runs, gone afterwards.
    kept_gb
        Disk of what it makes.
    """

    hours: float | None
    memory_gb: float
    gpu_gb: float = 0.0
    passing_gb: float = 0.0
    kept_gb: float = 0.0

    def memory_mb(self, attempt: int) -> int:
        """Return the memory to ask for: half as much again with each attempt."""
        return round(1000 * self.memory_gb * (1 + 0.5 * (attempt - 1)))

    def minutes(self, attempt: int, longest_hours: float) -> int:
        """Return the time to ask for: a multiple of the work, more each attempt, up to a limit."""
        work = UNKNOWN_HOURS if self.hours is None else self.hours
        asked = max(SHORTEST_HOURS, MARGIN * work) * attempt
        return round(60 * min(longest_hours, asked))


class JobResources:
    """The needs of an experiment's jobs.

    Parameters
    ----------
    audio_hours
        Hours of audio of sets, which go before those of the config.
    """

    def __init__(
        self, experiment: Experiment, audio_hours: Mapping[str, float] | None = None
    ) -> None:
        self.experiment = experiment
        self.config: Mapping[str, Any] = experiment.config["resources"]
        self.audio_hours: dict[str, float] = {**self.config["audio_hours"], **(audio_hours or {})}
        self.longest_hours = float(self.config["longest_job_hours"])

    def finetuning(self, cell: Cell, recipe: str) -> Job:
        """Return the needs of the last stage of a cell."""
        config = self.experiment.config
        objective = config["objectives"][self.experiment.stages(cell.algorithm)[-1]]
        return self._training(cell.model, objective, config["recipes"][recipe])

    def posttraining(self, model: str) -> Job:
        """Return the needs of a checkpoint's post-training."""
        recipe = self.experiment.config["checkpoint_training"]["post"]
        return self._training(model, {"kind": "sft"}, recipe)

    def pretraining(self, model: str) -> Job:
        """Return the needs of a checkpoint's pre-training, which only tiny encoders get here."""
        options, encoder = (
            self.experiment.config["checkpoint_training"]["pre"],
            self._encoder(model),
        )
        needs, seconds = TrainingNeeds(), options["batch_seconds"]
        audio = options["steps"] * seconds / 3600 * training_passes(needs, recomputed=False)
        gpu = training_gpu_bytes(encoder, needs, seconds, precision="fp32", recomputed=False)
        return Job(
            hours=self._hours(encoder, audio, options["crop_seconds"], "fp32"),
            memory_gb=PROFILE_GB,
            gpu_gb=gpu / 1e9,
            kept_gb=weight_bytes(encoder) / 1e9,
        )

    def _training(self, model: str, objective: Mapping[str, Any], recipe: Mapping[str, Any]) -> Job:
        config, encoder = self.experiment.config, self._encoder(model)
        needs, precision = TrainingNeeds.of(objective, recipe), recipe["precision"]
        gpu = {
            recomputed: training_gpu_bytes(
                encoder,
                needs,
                recipe["batch_seconds"],
                precision=precision,
                recomputed=recomputed,
            )
            for recomputed in (False, True)
        }
        recomputed = config["activation_checkpointing"]
        if recomputed == "auto":
            recomputed = not fits_gpu(gpu[False], 1e9 * self.config["gpu_memory_gb"])
        return Job(
            hours=self._training_hours(encoder, needs, recipe, recomputed=recomputed),
            memory_gb=PROCESS_GB
            + WORKER_GB * config["workers"]
            + training_memory_bytes(encoder) / 1e9,
            gpu_gb=gpu[recomputed] / 1e9,
            passing_gb=training_disk_bytes(encoder, needs, precision) / 1e9,
            kept_gb=weight_bytes(encoder) / 1e9,
        )

    def _training_hours(
        self,
        encoder: Architecture,
        needs: TrainingNeeds,
        recipe: Mapping[str, Any],
        *,
        recomputed: bool,
    ) -> float | None:
        config = self.experiment.config
        training = self.audio_hours.get(config["training_set"])
        validation = self.audio_hours.get(config["validation_set"])
        if training is None or validation is None:
            return None
        batch_hours = FILLED * recipe["batch_seconds"] / 3600
        steps = min(recipe["max_steps"], recipe["epochs"] * training / batch_hours)
        passes = training_passes(needs, recomputed=recomputed)
        validations = steps // recipe["validate_every"] + 1
        audio = steps * batch_hours * passes + validations * validation
        longest = float(recipe["crop"]["longest"])
        return self._hours(encoder, audio, longest, recipe["precision"])

    def scoring(self, model: str, sets: tuple[str, ...], precision: str) -> Job:
        """Return the needs of scoring sets with one cell of a model in a precision."""
        config, encoder = self.experiment.config, self._encoder(model)
        options = config["scoring"]
        known = [self.audio_hours.get(name) for name in sets]
        hours = None
        if None not in known:
            hours = 0.0
            for name, audio in zip(sets, known, strict=True):
                longest = config["sets"][name].get("max_seconds", TRAINING_SEGMENT_SECONDS)
                hours += self._hours(encoder, audio or 0.0, longest, precision)
        weights = weight_bytes(encoder) / 1e9
        on_gpu = scoring_batch_seconds(options["batch_seconds"], "cuda")
        return Job(
            hours=hours,
            memory_gb=PROCESS_GB + WORKER_GB * config["workers"] + 1.2 * weights,
            gpu_gb=scoring_gpu_bytes(encoder, on_gpu) / 1e9,
        )

    def preparation(self, corpus: str) -> Job:
        """Return the needs of decoding a corpus; the hours are those of `threads.prepare` cores."""
        hours = self._corpus_hours(corpus)
        threads = self.experiment.config["threads"]["prepare"]
        speed = self.config["decoding_speed"] * threads
        return Job(
            hours=None if hours is None else hours / speed,
            memory_gb=4.0 + 1.5 * threads,
            kept_gb=0.0 if hours is None else FLAC_GB_AN_HOUR * hours,
        )

    def uncertainty(self) -> Job:
        """Return the needs of the intervals of a whole table.

        0.5 GB and 51 seconds were measured at the paper's size (docs/benchmarks.md); both are taken
        to grow with the cells.
        """
        share = max(1.0, len(self.experiment.cells()) / PAPER_CELLS)
        return Job(hours=0.05 * share, memory_gb=2.0 + 2.0 * share)

    def drift(self) -> Job:
        """Return the needs of measuring a cell's drift."""
        return Job(hours=None, memory_gb=PROFILE_GB)

    def fetching(self, model: str) -> Job:
        """Return the needs of converting a checkpoint: 1.07 times its weights were measured."""
        weights = weight_bytes(self._encoder(model)) / 1e9
        # The file as published stays in the download folder; pre-trained ones hold more weights.
        return Job(hours=1.0, memory_gb=4 + 1.5 * weights, kept_gb=2.2 * weights)

    def _corpus_hours(self, corpus: str) -> float | None:
        """Sum the hours of the partitions in use: sets that differ in their duration share them."""
        partitions: dict[str, float] = {}
        for name in self.experiment.sets_in_use():
            spec = self.experiment.config["sets"][name]
            if spec["corpus"] == corpus:
                if name not in self.audio_hours:
                    return None
                partition = spec.get("partition", "")
                partitions[partition] = max(partitions.get(partition, 0.0), self.audio_hours[name])
        return sum(partitions.values())

    def _hours(
        self, encoder: Architecture, audio_hours: float, segment_seconds: float, precision: str
    ) -> float:
        """Return the GPU hours of forward passes over so many hours of audio."""
        operations = 3600 * audio_hours * forward_operations(encoder, segment_seconds)
        rate = 1e12 * float(self.config["gpu_teraflops"][precision])
        return operations / rate / 3600

    def _encoder(self, model: str) -> Architecture:
        spec = self.experiment.architecture(model)
        return _named(spec) if isinstance(spec, str) else find_architecture(spec)


@cache
def _named(name: str) -> Architecture:
    return find_architecture(name)
