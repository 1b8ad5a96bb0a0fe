"""The complete state of a training run: what is saved, so that a cut-off run can go on."""

import json
import logging
import math
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sdd.errors import InputError
from sdd.files import atomic_path

STOPPED = 75
"""Exit status of a run that was asked to stop and saved itself (EX_TEMPFAIL: try again)."""

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
    "gradient_norm",
    "validation_eer",
    "validation_der",
    "seconds",
)
logger = logging.getLogger(__name__)


@dataclass
class Progress:
    """How far a run has come."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    """Batches of this epoch that are done."""
    audio_seconds: float = 0.0
    seconds: float = 0.0
    best: float = math.inf
    best_step: int = 0
    validated: int = 0
    """Step of the last validation."""
    history: list[list[float]] = field(default_factory=list)


class StopRequest:
    """Notes SIGTERM and SIGUSR1 (a cluster's warning), so that a step is finished first."""

    def __init__(self) -> None:
        self.requested = False

    def _note(self, number: int, _frame: object) -> None:
        logger.warning("%s: saving the state and stopping", signal.Signals(number).name)
        self.requested = True

    @contextmanager
    def listening(self) -> Iterator["StopRequest"]:
        """Listen while the block runs."""
        signals = (signal.SIGTERM, signal.SIGUSR1)
        before = [signal.signal(number, self._note) for number in signals]
        try:
            yield self
        finally:
            for number, handler in zip(signals, before, strict=True):
                signal.signal(number, handler)


def save_state(
    path: Path,
    *,
    settings: str,
    progress: Progress,
    policies: nn.Module,
    optimiser: torch.optim.Optimizer,
    sampler: torch.Generator,
) -> None:
    """Save everything that the rest of a run depends on, atomically.

    Parameters
    ----------
    path
        File of the state.
    settings
        Description (JSON) that a later run is compared with.
    progress, policies, optimiser, sampler
        What changes while training; the generators of torch itself are saved too.
    """
    content = {
        "settings": settings,
        "progress": asdict(progress),
        "policies": policies.state_dict(),
        "optimiser": optimiser.state_dict(),
        "sampler": sampler.get_state(),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    with atomic_path(path) as temporary:
        torch.save(content, temporary)


def load_state(
    path: Path,
    *,
    settings: str,
    policies: nn.Module,
    optimiser: torch.optim.Optimizer,
    sampler: torch.Generator,
    device: torch.device,
) -> Progress:
    """Put a saved state back, and return how far it had come.

    Raises
    ------
    InputError
        If the state was saved under other settings: what differs.
    """
    content = torch.load(path, map_location=device, weights_only=True)
    _check_settings(path, content["settings"], settings)
    policies.load_state_dict(content["policies"])
    optimiser.load_state_dict(content["optimiser"])
    sampler.set_state(content["sampler"].cpu())
    torch.set_rng_state(content["torch"].cpu())
    if content["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all([state.cpu() for state in content["cuda"]])
    return Progress(**content["progress"])


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


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested mappings: {"a": {"b": 1}} becomes {"a.b": 1}."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
