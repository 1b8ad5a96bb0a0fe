"""The complete state of a training run: what is saved, so that a cut-off run can go on."""

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from sdd.errors import InputError
from sdd.runtime.atomic_files import atomic_path
from sdd.training.optimiser import load_moments
from sdd.training.policies import Policies
from sdd.training.run_states import generator_states, read_state, restore_generators

HISTORY = (
    "step",
    "epoch",
    "audio_seconds",
    "learning_rate",
    "loss",
    "reward",
    "kl",
    "clipped_share",
    "entropy",
    "grad_norm",
    "validation_eer",
    "wall_time",
    "validation_der",
)
"""Columns of history.csv: audio_seconds and wall_time (stops left out) add up over the run; reward,
kl, clipped_share and entropy are the diagnostics of `grpo_loss`, empty for SFT; validation_eer and
validation_der, (FP+FN)/(TP+TN) where its EER is, are shares. A state of before a column was added
lacks it at the end of its rows."""

UNKNOWN_CODE = "unknown"
"""Stands for the digest in a state of before digests were kept."""

logger = logging.getLogger(__name__)


@dataclass
class Progress:
    """How far a run has come."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    """Batches of this epoch that are done."""
    audio_seconds: float = 0.0
    wall_time: float = 0.0
    best: float = math.inf
    best_step: int = 0
    validated: int = 0
    """Step of the last validation."""
    history: list[list[float]] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    """Digests of the code that the run was under, one after the other; the last is that of now."""

    def validations_since_best(self) -> int:
        """Return the number of validations after the best one."""
        step, rate = HISTORY.index("step"), HISTORY.index("validation_eer")
        return sum(row[step] > self.best_step and not math.isnan(row[rate]) for row in self.history)


def save_state(
    path: Path,
    *,
    settings: str,
    progress: Progress,
    policies: Policies,
    optimiser: torch.optim.Optimizer,
    sampler: torch.Generator,
) -> None:
    """Save everything that the rest of a run depends on, atomically.

    The generators of torch itself are part of it.

    Parameters
    ----------
    settings
        Description (JSON) that a later run is compared with.
    """
    content = {
        "settings": settings,
        "progress": asdict(progress),
        "policies": policies.trained_state(),
        "optimiser": optimiser.state_dict(),
        "sampler": sampler.get_state(),
        **generator_states(policies.policy.device),
    }
    with atomic_path(path, durable=True) as temporary:
        torch.save(content, temporary)


def load_state(
    path: Path,
    *,
    settings: str,
    code: str,
    accept_other_code: bool,
    policies: Policies,
    optimiser: torch.optim.Optimizer,
    sampler: torch.Generator,
) -> Progress:
    """Put a saved state back, and return how far it had come.

    Parameters
    ----------
    code
        Digest of the code of now.
    accept_other_code
        Whether to go on from a state of other code.

    Raises
    ------
    InputError
        If the state was saved under other settings (what differs), or by other code.
    """
    # Mapped rather than read: a GPU holds the policies already and would hold all of it twice, and
    # main memory need not hold it at all.
    content = read_state(path, mmap=True)
    _check_settings(path, content["settings"], settings)
    progress = Progress(**{"codes": [UNKNOWN_CODE], **content["progress"]})
    for row in progress.history:
        row += [math.nan] * (len(HISTORY) - len(row))
    _check_code(path, progress.codes[-1], code, accepted=accept_other_code)
    policies.load_trained_state(content["policies"])
    load_moments(optimiser, content["optimiser"])
    sampler.set_state(content["sampler"])
    restore_generators(content, policies.policy.device)
    return progress


def write_history(progress: Progress, path: Path) -> None:
    """Write the history of a run as CSV; atomically. Values that a step lacks are empty."""
    lines = [",".join(HISTORY)]
    for row in progress.history:
        lines.append(",".join("" if math.isnan(value) else f"{value:.8g}" for value in row))
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _check_settings(path: Path, saved: str, now: str) -> None:
    theirs, ours = _flat(json.loads(saved)), _flat(json.loads(now))
    differing = [
        f"{key}: {theirs.get(key)} there, {ours.get(key)} now"
        for key in sorted(theirs.keys() | ours.keys())
        if theirs.get(key) != ours.get(key)
    ]
    if differing:
        raise InputError(
            f"{path} was saved by a run with other settings ({'; '.join(differing)}); "
            "delete it to start anew, or restore the settings"
        )


def _check_code(path: Path, saved: str, now: str, *, accepted: bool) -> None:
    if saved == now:
        return
    differing = f"{path} was saved by other code (digest {saved} there, {now} now)"
    if not accepted:
        raise InputError(
            f"{differing}: what it would end in, neither code would have made alone; go on with "
            "it all the same with `--config accept_state=true`, go back to the code that saved "
            "it, or delete it to start anew"
        )
    logger.warning("%s; going on with it, as accept_state says", differing)


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested mappings: {"a": {"b": 1}} becomes {"a.b": 1}."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
