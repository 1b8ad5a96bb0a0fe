"""What each job needs and asks for, from the config and the arithmetic of `costs`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sdd.detector.architectures import Architecture, find_architecture
from sdd.experiment.cells import Cell, Variant
from sdd.experiment.costs import (
    fits_gpu,
    scoring_gpu_bytes,
    training_disk_bytes,
    training_gpu_bytes,
    training_memory_bytes,
    training_passes,
    weight_bytes,
)
from sdd.experiment.experiment import Experiment
from sdd.experiment.pilot import PilotRow, last_objective
from sdd.experiment.scoring_batches import scoring_batch_seconds
from sdd.experiment.speeds import Basis, Pace, Speeds, least_sure
from sdd.experiment.training_needs import TrainingNeeds
from sdd.experiment.variants import candidates, trade_off_steps, tried_switches

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
    computes
        Whether it runs a detector: its hours are those of GPUs, or of a CPU without them.
    basis
        How its hours are known.
    loaded_gb
        What it cannot do without of `memory_gb`: weights and, without a GPU, what a step keeps.
    """

    hours: float | None
    memory_gb: float
    gpu_gb: float = 0.0
    passing_gb: float = 0.0
    kept_gb: float = 0.0
    computes: bool = False
    basis: Basis = "arithmetic"
    loaded_gb: float = 0.0

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
    pilot
        Speeds that were measured, which go before those of the config.
    """

    def __init__(
        self,
        experiment: Experiment,
        audio_hours: Mapping[str, float] | None = None,
        pilot: Iterable[PilotRow] = (),
    ) -> None:
        self.experiment = experiment
        self.config: Mapping[str, Any] = experiment.config["resources"]
        hours = {**self.config["audio_hours"], **(audio_hours or {})}
        self.audio_hours: dict[str, float] = {**_of_same_rows(experiment, hours), **hours}
        self.longest_hours = float(self.config["longest_job_hours"])
        self.speeds = Speeds(experiment.config, pilot)

    @property
    def on_cpu(self) -> bool:
        """Whether jobs are thought to run without a GPU."""
        return self.speeds.device == "cpu"

    def finetuning(self, cell: Cell, recipe: str) -> Job:
        """Return the needs of a cell's last stage; if it is tuned, of its longest candidate."""
        tried: list[dict[str, Any]] = [{}]
        if tried_switches(self.experiment, cell.algorithm):
            tried = candidates(self.experiment, cell.algorithm)
        jobs = [self._variant(Variant(cell, changes), recipe) for changes in tried]
        return max(jobs, key=lambda job: (job.hours or 0.0, job.memory_gb, job.gpu_gb))

    def candidate(self, variant: Variant, recipe: str) -> Job:
        """Return the needs of training a candidate, whose weights are not kept."""
        return replace(self._variant(variant, recipe), kept_gb=0.0)

    def followed_training(self, variant: Variant, recipe: str) -> Job:
        """Return the needs of a run of the trade-off, which keeps the weights of some steps."""
        steps = trade_off_steps(self.experiment)
        job = self._variant(variant, recipe, {"max_steps": steps[-1]})
        return replace(
            job,
            passing_gb=job.passing_gb + len(steps) * job.kept_gb,
            kept_gb=len(steps) * job.kept_gb,
        )

    def _variant(
        self, variant: Variant, recipe: str, switches: Mapping[str, Any] | None = None
    ) -> Job:
        cell = variant.cell
        of_stage = self.experiment.stage_recipe(cell.algorithm, recipe)
        changed = {**of_stage, **variant.changes, **(switches or {})}
        names = {"objective": last_objective(self.experiment, cell), "recipe": recipe}
        objective = self.experiment.objective(cell.algorithm)
        return self._training(cell.model, objective, changed, names, self.experiment.config)

    def averaging(self, cell: Cell) -> Job:
        """Return the needs of averaging the weights of two models: both are read, one is made."""
        weights = weight_bytes(self._encoder(cell.model)) / 1e9
        return Job(hours=0.1, memory_gb=4 + 3 * weights, kept_gb=weights)

    def posttraining(self, model: str) -> Job:
        """Return the needs of a checkpoint's post-training."""
        options = self.experiment.config["checkpoint_training"]
        return self._training(model, {"kind": "sft"}, options["post"], {}, options)

    def piloted_training(self, cell: Cell, recipe: str) -> Job:
        """Return the needs of a pilot of the last stage of a cell."""
        minutes = self.experiment.config["pilot"]["minutes"]
        return replace(self.finetuning(cell, recipe), hours=minutes / 60, kept_gb=0.0)

    def piloted_scoring(self, model: str, precision: str) -> Job:
        """Return the needs of a pilot of scoring: of as much audio of each set as it may take."""
        sets = tuple(self.experiment.test_sets)
        hours = self.experiment.config["pilot"]["audio_minutes"] / 60
        return self._scoring(model, sets, precision, dict.fromkeys(sets, hours))

    def pretraining(self, model: str) -> Job:
        """Return the needs of a checkpoint's pre-training, which only tiny encoders get here."""
        options, encoder = (
            self.experiment.config["checkpoint_training"]["pre"],
            self._encoder(model),
        )
        needs, seconds = TrainingNeeds(), options["batch_seconds"]
        gpu = training_gpu_bytes(encoder, needs, seconds, precision="fp32", recomputed=False)
        passes = training_passes(encoder, needs, recomputed=False)
        pace = self.speeds.training(
            model, encoder, options["crop_seconds"], precision="fp32", passes=passes
        )
        return Job(
            hours=options["steps"] * seconds / 3600 * passes * pace.seconds,
            memory_gb=PROFILE_GB,
            gpu_gb=0.0 if self.on_cpu else gpu / 1e9,
            kept_gb=weight_bytes(encoder) / 1e9,
            computes=True,
            basis=pace.basis,
        )

    def _training(
        self,
        model: str,
        objective: Mapping[str, Any],
        recipe: Mapping[str, Any],
        names: Mapping[str, str],
        sets: Mapping[str, Any],
    ) -> Job:
        """Return the needs of a stage.

        Parameters
        ----------
        names
            Those of its objective and recipe, if any.
        sets
            What names its `training_set` and `validation_set`.
        """
        config, encoder = self.experiment.config, self._encoder(model)
        needs = TrainingNeeds.of(objective, recipe)
        # A CPU computes in fp32, whatever is asked.
        precision = "fp32" if self.on_cpu else recipe["precision"]
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
            fits = fits_gpu(gpu[False], 1e9 * self.config["gpu_memory_gb"])
            recomputed = not (self.on_cpu or fits)
        passes = training_passes(encoder, needs, recomputed=recomputed)
        pace = self.speeds.training(
            model,
            encoder,
            float(recipe["crop"]["longest"]),
            precision=recipe["precision"],
            passes=passes,
            **names,
        )
        main_gb = training_memory_bytes(encoder) / 1e9
        step_gb = gpu[recomputed] / 1e9
        return Job(
            hours=self._training_hours(recipe, passes, pace, sets),
            # Without a GPU all of a step lies in main memory, beside what is loaded.
            memory_gb=self._process_gb() + main_gb + (step_gb if self.on_cpu else 0.0),
            gpu_gb=0.0 if self.on_cpu else step_gb,
            passing_gb=training_disk_bytes(encoder, needs, precision) / 1e9,
            kept_gb=weight_bytes(encoder) / 1e9,
            computes=True,
            basis=pace.basis,
            loaded_gb=main_gb + (step_gb if self.on_cpu else 0.0),
        )

    def _training_hours(
        self, recipe: Mapping[str, Any], passes: float, pace: Pace, sets: Mapping[str, Any]
    ) -> float | None:
        training = self.audio_hours.get(sets["training_set"])
        validation = self.audio_hours.get(sets["validation_set"])
        if training is None or validation is None:
            return None
        batch_hours = FILLED * recipe["batch_seconds"] / 3600
        steps = min(recipe["max_steps"], recipe["epochs"] * training / batch_hours)
        validations = steps // recipe["validate_every"] + 1
        audio: float = steps * batch_hours * passes + validations * validation
        return audio * pace.seconds

    def scoring(self, model: str, sets: tuple[str, ...], precision: str) -> Job:
        """Return the needs of scoring sets with one cell of a model in a precision."""
        return self._scoring(model, sets, precision, self.audio_hours)

    def _scoring(
        self,
        model: str,
        sets: tuple[str, ...],
        precision: str,
        audio_hours: Mapping[str, float],
    ) -> Job:
        options, encoder = self.experiment.config["scoring"], self._encoder(model)
        paces = {
            name: self.speeds.scoring(
                model, encoder, name, self._segment_seconds, precision=precision
            )
            for name in sets
        }
        hours = None
        if all(name in audio_hours for name in sets):
            hours = sum(audio_hours[name] * pace.seconds for name, pace in paces.items())
        weights = weight_bytes(encoder) / 1e9
        batch = scoring_batch_seconds(options["batch_seconds"], self.speeds.device)
        activations = scoring_gpu_bytes(encoder, batch) / 1e9 - weights
        return Job(
            hours=hours,
            memory_gb=self._process_gb() + 1.2 * weights + (activations if self.on_cpu else 0.0),
            gpu_gb=0.0 if self.on_cpu else weights + activations,
            computes=True,
            basis=least_sure(pace.basis for pace in paces.values()),
            loaded_gb=weights,
        )

    @property
    def _segment_seconds(self) -> dict[str, float]:
        """Length of the segments of each set."""
        sets = self.experiment.config["sets"].items()
        return {name: spec.get("max_seconds", TRAINING_SEGMENT_SECONDS) for name, spec in sets}

    def _process_gb(self) -> float:
        workers: int = self.experiment.config["workers"]
        return PROCESS_GB + WORKER_GB * workers

    def preparation(self, corpus: str) -> Job:
        """Return the needs of decoding a corpus; the hours are those of `threads.prepare` cores."""
        return self._audio_made_of(self._corpus_hours(corpus))

    def remaking(self, set_name: str) -> Job:
        """Return the needs of making a set's audio anew; coding is taken to cost as decoding."""
        return self._audio_made_of(self.audio_hours.get(set_name))

    def _audio_made_of(self, hours: float | None) -> Job:
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
        return Job(hours=1.0, memory_gb=4 + 1.5 * weights, kept_gb=2.2 * weights, loaded_gb=weights)

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

    def _encoder(self, model: str) -> Architecture:
        spec = self.experiment.architecture(model)
        return _named(spec) if isinstance(spec, str) else find_architecture(spec)


def _of_same_rows(experiment: Experiment, hours: Mapping[str, float]) -> dict[str, float]:
    """Return the hours of sets under a condition: those of a set that is cut of the same rows."""
    sets = experiment.config["sets"]

    def rows(name: str) -> tuple[str | None, ...]:
        return tuple(sets[name].get(key) for key in ("corpus", "partition", "label"))

    known = {rows(name): value for name, value in hours.items() if name in sets}
    conditioned = [name for name, spec in sets.items() if "condition" in spec]
    return {name: known[rows(name)] for name in conditioned if rows(name) in known}


@cache
def _named(name: str) -> Architecture:
    return find_architecture(name)
