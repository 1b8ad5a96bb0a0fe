"""Fine-tuning one cell: from a checkpoint to the best weights."""

import json
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from sdd.detector.architectures import find_architecture
from sdd.detector.checkpoints.loading import (
    load_detector,
    load_pretrained,
    read_metadata,
)
from sdd.detector.checkpoints.saving import save_detector
from sdd.detector.detector import Detector
from sdd.experiment.trainable import Trainable
from sdd.experiment.training_needs import TrainingNeeds
from sdd.runtime.devices import choose_device, describe_device, prepare_process
from sdd.runtime.digests import files_digest, text_digest
from sdd.runtime.machine import Machine
from sdd.runtime.ownership import sole_owner
from sdd.runtime.stopping import STOPPED, StopRequest
from sdd.training.gpu_memory import StepMemory, refuse_the_same
from sdd.training.objective_kinds import Objective, objective_from_config
from sdd.training.policies import Policies
from sdd.training.recipe import Recipe
from sdd.training.rehearsal import rehearse
from sdd.training.run_states import STATE
from sdd.training.state import Progress, write_history
from sdd.training.trainer import Trainer
from sdd.training.training_data import TrainingData

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stage:
    """What a stage of fine-tuning depends on.

    Attributes
    ----------
    architecture
        A name, or fairseq's configuration keys.
    trainable
        What of the detector is trained.
    new_back_end
        Whether the start is an encoder without a back end.
    checkpoint_is_reference
        Whether the reference policy is the cell's checkpoint, rather than the start.
    kept_steps
        Steps whose weights are kept, beside the best.
    """

    architecture: str | Mapping[str, Any]
    objective: Objective
    trainable: Trainable
    recipe: Recipe
    seed: int
    new_back_end: bool
    checkpoint_is_reference: bool
    kept_steps: Sequence[int] = ()

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Stage":
        """Make a stage of its slice of the config, which has been held against the schema."""
        said = config["objective"]
        parameters = {name: value for name, value in said.items() if name != "trainable"}
        return cls(
            **{
                **config,
                "objective": objective_from_config(parameters),
                "trainable": Trainable.of(said),
                "recipe": Recipe.from_config(config["recipe"]),
            }
        )

    @property
    def needs(self) -> TrainingNeeds:
        """Which frozen policies it has, and what it trains."""
        return replace(self.objective.needs(self.recipe), trainable=self.trainable)


@dataclass(frozen=True)
class StageInputs:
    """Where a stage comes from.

    Attributes
    ----------
    start
        Weights the stage starts from: a checkpoint, or the model of the stage before.
    checkpoint
        The cell's checkpoint, for the reference policy.
    state
        Folder of the unfinished run; removed at the end.
    """

    start: Path
    checkpoint: Path
    state: Path


@dataclass(frozen=True)
class StageFiles(StageInputs):
    """Where a stage comes from and goes to.

    Attributes
    ----------
    model, history
        Where the best weights (safetensors) and the history (CSV) go; both atomic.
    kept
        Where the weights of the stage's `kept_steps` go, in their order.
    """

    model: Path
    history: Path
    kept: Sequence[Path] = ()


@dataclass(frozen=True)
class ReadyStage:
    """A stage that is loaded.

    Attributes
    ----------
    recomputed
        Whether activations are computed again in the backward pass.
    """

    trainer: Trainer
    device: torch.device
    memory: StepMemory
    recomputed: bool

    def explained(self, when: Callable[[], str]) -> AbstractContextManager[None]:
        """Turn a GPU that is too small into an error; `when` says what was being done."""
        return self.memory.shortage_explained(when, recomputed=self.recomputed)

    def begin(self) -> None:
        """Go on from the saved state, if there is one, and try the largest batch on a GPU."""
        trainer = self.trainer
        with self.explained(lambda: f"ahead of the first step; {trainer.kept_state}"):
            trainer.restore()
            if self.device.type == "cuda":
                rehearse(trainer)


def starting_detector(
    start: Path, architecture: str | Mapping[str, Any], *, new_back_end: bool, seed: int
) -> Detector:
    """Load what a stage starts from; give an encoder a fresh back end from the round's seed."""
    if new_back_end:
        return load_pretrained(start, architecture, seed)
    return load_detector(start, architecture, dtype=torch.float32)


def finetune(
    stage: Stage,
    files: StageFiles,
    data: TrainingData,
    machine: Machine,
    *,
    code: str,
    accept_state: bool = False,
    attempt: int = 1,
) -> None:
    """Fine-tune a detector by one objective, or go on where an earlier run was cut off.

    Parameters
    ----------
    code
        Digest of the code; a state that other code saved is refused.
    accept_state
        Whether such a state is gone on with; the model then says which codes it is of.
    attempt
        How often the workflow has tried, this time included: what ran out of GPU memory is not
        tried again.

    Raises
    ------
    InputError
        If a non-finite loss occurs, a saved state does not fit, or the GPU has too little memory.
    SystemExit
        With status `STOPPED` after SIGTERM or SIGUSR1, or when another process wants to go on with
        this cell; the state has been saved.
    """
    # A job can outlive the Snakemake that submitted it, and its successor would write beside it.
    with sole_owner(files.state) as ownership:
        refuse_the_same(files.state, attempt)
        ready = load_stage(stage, files, data, machine, code=code, accept_state=accept_state)
        trainer = ready.trainer
        metadata = _metadata(stage, files, trainer)
        if ownership.taken_over and files.history.exists() and _is_made(files.model, metadata):
            logger.info("the process that had this cell before has finished it")
            return
        ready.begin()
        # To the very end: a process that dies after its state is gone would have to begin anew.
        with StopRequest(ownership).listening() as stop:
            with ready.explained(lambda: f"step {trainer.progress.step}; {trainer.kept_state}"):
                finished = trainer.run(stop)
            if not finished:
                raise SystemExit(STOPPED)
            progress = trainer.progress
            for step, path in zip(stage.kept_steps, files.kept, strict=True):
                kept = load_detector(trainer.kept(step), stage.architecture)
                save_detector(kept, path, metadata | {"steps": str(step)} | _codes(progress))
            write_history(progress, files.history)
            best = load_detector(trainer.best, stage.architecture)
            save_detector(best, files.model, metadata | _outcome(progress))
            # First, so that what is left of a deletion that is cut off is no state to go on from.
            (files.state / STATE).unlink(missing_ok=True)
            shutil.rmtree(files.state)


def load_stage(
    stage: Stage,
    files: StageInputs,
    data: TrainingData,
    machine: Machine,
    *,
    code: str,
    accept_state: bool = False,
) -> ReadyStage:
    """Choose a device, set the process up, and load what a stage trains and needs.

    Parameters
    ----------
    code, accept_state
        As for `finetune`.
    """
    recipe, device = stage.recipe, choose_device(machine.device)
    logger.info("device: %s", describe_device(device))
    data.warn_of_small_batches(recipe)
    prepare_process(recipe.precision, machine.threads)
    # Dropout is drawn from torch's own generator, whose state is saved with the rest.
    torch.manual_seed(stage.seed)
    memory = _memory(stage, files, device)
    recomputed = memory.recomputes(machine)
    with memory.shortage_explained(lambda: "loading the policies", recomputed=recomputed):
        policies = _policies(stage, files, device, recomputed=recomputed)
    trainer = Trainer(
        policies,
        data.without_suffixes(recipe.skip_suffixes),
        seed=stage.seed,
        state=files.state,
        machine=machine,
        start=_digest_of_start(stage, files),
        code=code,
        accept_state=accept_state,
        kept_steps=stage.kept_steps,
    )
    return ReadyStage(trainer, device, memory, recomputed)


def _memory(stage: Stage, files: StageInputs, device: torch.device) -> StepMemory:
    """Describe what a step of a stage needs of its GPU."""
    architecture = find_architecture(stage.architecture)
    return StepMemory(architecture, stage.needs, stage.recipe, device, files.state)


def _policies(
    stage: Stage, files: StageInputs, device: torch.device, *, recomputed: bool
) -> Policies:
    """Load the detectors of a stage."""
    detector = starting_detector(
        files.start, stage.architecture, new_back_end=stage.new_back_end, seed=stage.seed
    )
    reference = None
    # A stage that starts from the checkpoint has it as its reference by default.
    if stage.needs.reference and stage.checkpoint_is_reference and files.checkpoint != files.start:
        reference = load_detector(files.checkpoint, stage.architecture, dtype=torch.float32)
    detector.checkpoint_activations = recomputed
    return Policies(
        detector.to(device),
        stage.objective,
        stage.recipe,
        reference,
        trainable=stage.trainable,
        seed=stage.seed,
    )


def _digest_of_start(stage: Stage, files: StageInputs) -> str:
    """Digest the weights that a stage starts from, and its reference if that is another file."""
    paths = [files.start, files.checkpoint] if stage.checkpoint_is_reference else [files.start]
    return files_digest(paths)[:16]


def _metadata(stage: Stage, files: StageFiles, trainer: Trainer) -> dict[str, str]:
    """Describe a fine-tuned model; licence and source are those of what it was made from."""
    inherited = read_metadata(files.start)
    return {
        **{key: inherited[key] for key in ("licence", "source") if key in inherited},
        "objective": json.dumps(_as_config(stage), sort_keys=True),
        "settings": text_digest(trainer.settings())[:16],
    }


def _as_config(stage: Stage) -> dict[str, Any]:
    """Describe objective and what was trained; nothing of that is said where it is everything."""
    part = {} if stage.trainable.encoder else {"trainable": asdict(stage.trainable)}
    return {**stage.objective.as_config(), **part}


def _outcome(progress: Progress) -> dict[str, str]:
    return {
        "steps": str(progress.step),
        "best_step": str(progress.best_step),
        "best_validation": f"{progress.best:.6g}",
        **_codes(progress),
    }


def _codes(progress: Progress) -> dict[str, str]:
    # Only where codes were mixed: the same weights of one code are the same file, whichever it is.
    return {"codes": ", ".join(progress.codes)} if len(progress.codes) > 1 else {}


def _is_made(model: Path, metadata: Mapping[str, str]) -> bool:
    """Tell whether a model is there that was made with these settings."""
    return model.exists() and metadata.items() <= read_metadata(model).items()
