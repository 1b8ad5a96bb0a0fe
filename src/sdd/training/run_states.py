"""What the saved states of all kinds of training have in common."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sdd.data.audio import SAMPLE_RATE
from sdd.data.segments import Segments
from sdd.errors import InputError

STATE = "state.pt"
"""File of a state, in the folder of the run's state."""


def read_state(path: Path, *, mmap: bool) -> Any:  # noqa: ANN401 (whatever was saved)
    """Read the saved state of a run, on the CPU.

    Parameters
    ----------
    mmap
        Whether its tensors are mapped from the file rather than read.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except MemoryError:
        raise
    except Exception as error:
        # torch's reader fails in every way there is, and advises to run what the file holds.
        raise InputError(
            f"{path} cannot be read ({type(error).__name__}): it is damaged. It is the state of a "
            "run that is not finished: delete it to start anew."
        ) from error


def describe_segments(table: Segments) -> dict[str, Any]:
    """Describe a segment table: how many, how long, and a digest of its values and its audio."""
    digest = hashlib.sha256(table.audio.encode())
    for name in ("segment_id", "label", "file"):
        digest.update("\n".join(getattr(table, name)).encode() + b"\0")
    for bounds in (table.start, table.end):
        digest.update(bounds.astype("<i8").tobytes())
    hours = float((table.end - table.start).sum()) / SAMPLE_RATE / 3600
    return {"segments": len(table), "hours": round(hours, 6), "digest": digest.hexdigest()[:16]}


def generator_states(device: torch.device) -> dict[str, Tensor | None]:
    """Return the states of the CPU's generator and, if that is a GPU, of the device's."""
    gpu = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    return {"torch": torch.get_rng_state(), "gpu": gpu}


def restore_generators(states: Mapping[str, Tensor | None], device: torch.device) -> None:
    """Put saved states back; that of a GPU into the one that is computed on.

    The next job may get another GPU than the one before, or a machine with fewer.
    """
    cpu, gpu = states["torch"], states.get("gpu")
    if cpu is not None:
        torch.set_rng_state(cpu)
    if gpu is not None and device.type == "cuda":
        torch.cuda.set_rng_state(gpu, device)
