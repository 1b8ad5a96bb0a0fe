"""What a job runs on, as the section "this machine" of the config says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Machine:
    """How a job computes, not what.

    Attributes
    ----------
    device
        `auto`, or a torch device.
    workers
        Processes that read ahead.
    save_minutes
        How much time a kill may cost.
    compiled, checkpoint_activations
        Of training only: whether the detector runs through `torch.compile`, and whether
        activations are recomputed in the backward pass rather than kept.
    """

    device: str = "auto"
    threads: int = 1
    workers: int = 0
    save_minutes: float = 15.0
    compiled: bool = False
    checkpoint_activations: bool = False

    @classmethod
    def of_config(cls, config: Mapping[str, Any], threads: int) -> "Machine":
        """Read the config's section; the threads are those that the job was given."""
        return cls(
            device=config["device"],
            threads=threads,
            workers=config["workers"],
            save_minutes=config["save_state_minutes"],
            compiled=config["compile"],
            checkpoint_activations=config["activation_checkpointing"],
        )
