"""A training step and its GPU's memory: what is computed again to fit, and what if it does not.

Nothing here changes a number: activations that are computed again are the same.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from sdd.detector.architectures import Architecture
from sdd.errors import InputError
from sdd.experiment.costs import fits_gpu, training_gpu_bytes
from sdd.experiment.training_needs import TrainingNeeds
from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.devices import describe_device
from sdd.runtime.machine import Machine
from sdd.training.recipe import Recipe

NOTE = "out_of_gpu_memory.txt"
"""File, in the folder of a run's state, that a run leaves whose GPU was too small."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StepMemory:
    """What a stage's step needs of its GPU.

    Attributes
    ----------
    state
        Folder of the run's state.
    """

    architecture: Architecture
    needs: TrainingNeeds
    recipe: Recipe
    device: torch.device
    state: Path

    def estimated_bytes(self, *, recomputed: bool) -> float:
        """Estimate the most that a step needs."""
        return training_gpu_bytes(
            self.architecture,
            self.needs,
            self.recipe.batch_seconds,
            precision=self.recipe.precision,
            recomputed=recomputed,
        )

    def recomputes(self, machine: Machine) -> bool:
        """Tell whether activations are computed again; log it where that was not asked for."""
        if machine.checkpoint_activations != "auto":
            return machine.checkpoint_activations
        if self.device.type != "cuda":
            return False
        there = torch.cuda.get_device_properties(self.device).total_memory
        kept, again = (self.estimated_bytes(recomputed=recomputed) for recomputed in (False, True))
        if fits_gpu(kept, there):
            return False
        logger.info(
            "activation checkpointing is on: by estimate a step needs %.1f GB without it, more "
            "than is safe of the GPU's %.1f GB, and %.1f GB with it",
            *(number / 1e9 for number in (kept, there, again)),
        )
        return True

    @contextmanager
    def shortage_explained(self, when: Callable[[], str], *, recomputed: bool) -> Iterator[None]:
        """Turn a GPU that is too small into an error with a remedy, and note it for retries.

        Parameters
        ----------
        when
            Says what was being done, and what state there is to go on from.
        recomputed
            Whether activations are computed again already.

        Raises
        ------
        InputError
            If memory runs out: what was asked for, what the GPU has, and the ways out.
        """
        try:
            yield
        except torch.OutOfMemoryError as error:
            message = f"{when()}: {self._explain(str(error), recomputed=recomputed)}"
            with atomic_path(self.state / NOTE) as temporary:
                temporary.write_text(message, encoding="utf-8")
            raise InputError(message) from error

    def _explain(self, said: str, *, recomputed: bool) -> str:
        remedies = []
        if not recomputed:
            again = self.estimated_bytes(recomputed=True) / 1e9
            remedies.append(
                f"set activation_checkpointing: true (about {again:.1f} GB then; the same weights, "
                "for a forward pass more a step)"
            )
        remedies.append(
            f"lower batch_seconds of the recipe ({self.recipe.batch_seconds:g} now; that trains "
            "something else)"
        )
        remedies.append("take a GPU with more memory")
        remedies.append("see that nothing else runs on this one")
        # torch says what was asked for and what the GPU has, and then more than helps.
        asked = said.split(" If reserved but unallocated")[0].strip().rstrip(".")
        needed = self.estimated_bytes(recomputed=recomputed) / 1e9
        return (
            f"not enough GPU memory ({describe_device(self.device)}): {asked}. A step of this "
            f"stage needs about {needed:.1f} GB by estimate. It is not tried again as it is: "
            f"{'; or '.join(remedies)}; then run the same command again"
        )


def refuse_the_same(state: Path, attempt: int) -> None:
    """Refuse to try again, within one run of the workflow, what had too little memory before.

    It would wait in a queue and load the detectors only to fail alike. The first attempt of another
    run of the workflow tries: something may have been changed for it.

    Raises
    ------
    InputError
        If an earlier attempt left a note: what that says.
    """
    note = state / NOTE
    if attempt > 1 and note.exists():
        raise InputError(note.read_text(encoding="utf-8"))
    note.unlink(missing_ok=True)
