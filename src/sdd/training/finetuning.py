"""Fine-tuning one cell: from a checkpoint to the best weights."""

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from sdd.data.segments import Segments, without_suffixes
from sdd.detector import Detector, load_detector, load_pretrained, read_metadata, save_detector
from sdd.detector.inference import choose_device, describe_device, prepare
from sdd.runtime.digests import files_digest, text_digest
from sdd.runtime.ownership import sole_owner
from sdd.runtime.stopping import STOPPED, StopRequest
from sdd.training.policies import Policies
from sdd.training.recipe import Recipe, objective_from_config
from sdd.training.state import STATE, Progress, write_history
from sdd.training.trainer import Trainer

logger = logging.getLogger(__name__)


def machine_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Give the arguments of `finetune` that do not change what comes out, from the config."""
    return {
        "device": config["device"],
        "workers": config["workers"],
        "save_minutes": config["save_state_minutes"],
        "compiled": config["compile"],
        "checkpoint_activations": config["activation_checkpointing"],
    }


def starting_detector(
    start: Path, architecture: str | Mapping[str, Any], *, new_back_end: bool, seed: int
) -> Detector:
    """Load what a stage starts from; give an encoder a fresh back end from the round's seed."""
    if new_back_end:
        return load_pretrained(start, architecture, seed)
    return load_detector(start, architecture, dtype=torch.float32)


def finetune(
    *,
    start: Path,
    checkpoint: Path,
    model: Path,
    history: Path,
    state: Path,
    training: Segments,
    validation: Segments,
    audio_folder: Path,
    architecture: str | Mapping[str, Any],
    objective: Mapping[str, Any],
    recipe: Mapping[str, Any],
    seed: int,
    new_back_end: bool,
    checkpoint_is_reference: bool,
    device: str = "auto",
    threads: int = 1,
    workers: int = 0,
    save_minutes: float = 15.0,
    compiled: bool = False,
    checkpoint_activations: bool = False,
) -> None:
    """Fine-tune a detector by one objective, or go on where an earlier run was cut off.

    Parameters
    ----------
    start
        Weights the stage starts from: a checkpoint, or the model of the stage before.
    checkpoint
        The cell's checkpoint.
    model, history
        Where the best weights (safetensors) and the history (CSV) go; both atomic.
    state
        Folder of the unfinished run; removed at the end.
    training, validation
        Segment tables.
    audio_folder
        Where their FLAC files are.
    architecture, objective, recipe
        Slices of the config.
    seed
        Of the round.
    new_back_end
        Whether `start` is an encoder without a back end.
    checkpoint_is_reference
        Whether the reference policy is `checkpoint`, rather than `start`.
    device, threads, workers, save_minutes
        How to compute.
    compiled
        Whether the detector runs through `torch.compile`.
    checkpoint_activations
        Whether activations are recomputed in the backward pass rather than kept.

    Raises
    ------
    InputError
        If a non-finite loss occurs, or a saved state does not fit.
    SystemExit
        With status `STOPPED` after SIGTERM or SIGUSR1, or when another process wants to go on with
        this cell; the state has been saved.
    """
    with sole_owner(state) as ownership:
        switches = Recipe.from_config(recipe)
        where = choose_device(device)
        logger.info("device: %s", describe_device(where))
        prepare(switches.precision, threads)
        torch.manual_seed(seed)
        detector = starting_detector(start, architecture, new_back_end=new_back_end, seed=seed)
        reference = None
        if checkpoint_is_reference:
            reference = load_detector(checkpoint, architecture).to(where)
        detector.checkpoint_activations = checkpoint_activations
        policies = Policies(
            detector.to(where),
            objective_from_config(objective),
            switches,
            reference,
            compiled=compiled,
        )
        trainer = Trainer(
            policies,
            switches,
            without_suffixes(training, switches.skip_suffixes),
            without_suffixes(validation, switches.skip_suffixes),
            audio_folder=audio_folder,
            seed=seed,
            state=state,
            device=where,
            start=_digest_of_start(start, checkpoint if checkpoint_is_reference else None),
            workers=workers,
            save_minutes=save_minutes,
        )
        metadata = _metadata(start, objective, trainer)
        if ownership.taken_over and history.exists() and _is_made(model, metadata):
            logger.info("the process that had this cell before has finished it")
            return
        trainer.restore()
        # To the very end: a process that dies after its state is gone would have to begin anew.
        with StopRequest(ownership).listening() as stop:
            if not trainer.run(stop):
                raise SystemExit(STOPPED)
            write_history(trainer.progress, history)
            best = load_detector(trainer.best, architecture)
            save_detector(best, model, metadata | _outcome(trainer.progress))
            # First, so that what is left of a deletion that is cut off is no state to go on from.
            (state / STATE).unlink(missing_ok=True)
            shutil.rmtree(state)


def _digest_of_start(start: Path, reference: Path | None) -> str:
    """Digest the weights that a stage starts from, and its reference if that is another file."""
    return files_digest(filter(None, (start, reference)))[:16]


def _metadata(start: Path, objective: Mapping[str, Any], trainer: Trainer) -> dict[str, str]:
    """Describe a fine-tuned model; licence and source are those of what it was made from."""
    inherited = read_metadata(start)
    return {
        **{key: inherited[key] for key in ("licence", "source") if key in inherited},
        "objective": json.dumps(dict(objective), sort_keys=True),
        "settings": text_digest(trainer.settings())[:16],
    }


def _outcome(progress: Progress) -> dict[str, str]:
    return {
        "steps": str(progress.step),
        "best_step": str(progress.best_step),
        "best_validation": f"{progress.best:.6g}",
    }


def _is_made(model: Path, metadata: Mapping[str, str]) -> bool:
    """Tell whether a model is there that was made with these settings."""
    return model.exists() and metadata.items() <= read_metadata(model).items()
