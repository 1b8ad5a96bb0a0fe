"""What a job runs on, as the section "this machine" of the config says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


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
    checkpoint_activations
        Of training only: whether activations are recomputed in the backward pass rather than kept;
        `auto` where a step would not fit its GPU.
    """

    device: str = "auto"
    threads: int = 1
    workers: int = 0
    save_minutes: float = 15.0
    checkpoint_activations: bool | Literal["auto"] = False

    @classmethod
    def of_config(cls, config: Mapping[str, Any], threads: int) -> "Machine":
        """Read the config's section; the threads are those that the job was given."""
        return cls(
            device=config["device"],
            threads=threads,
            workers=config["workers"],
            save_minutes=config["save_state_minutes"],
            checkpoint_activations=config["activation_checkpointing"],
        )
