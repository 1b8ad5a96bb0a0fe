"""The policies of a stage of fine-tuning: trained, old and reference, and their loss."""

import copy
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from sdd.data.dataset import Batch
from sdd.detector.detector import Detector
from sdd.detector.inference import PreparedBatch, forward, prepare_batch
from sdd.training.grpo_terms import Diagnostics
from sdd.training.objective_kinds import BatchLogits, Objective
from sdd.training.recipe import Recipe


def frozen_copy(detector: Detector) -> Detector:
    """Copy a detector without gradients, in eval mode."""
    other = copy.deepcopy(detector)
    other.requires_grad_(False)
    return other.eval()


class Policies(nn.Module):
    """The detector that is trained, and the frozen ones that its objective needs.

    Parameters
    ----------
    detector
        The policy, at the weights that the stage starts from, on the device to compute on.
    objective, recipe
        What the stage minimises, and how.
    reference
        The reference policy; by default the stage's start (paper 2.3: a frozen copy).
    """

    reference: Detector | None
    old: Detector | None

    def __init__(
        self,
        detector: Detector,
        objective: Objective,
        recipe: Recipe,
        reference: Detector | None = None,
    ) -> None:
        super().__init__()
        self.policy = detector
        self.objective = objective
        self.recipe = recipe
        # No forward pass is spent on a policy whose output would not be used.
        needs = objective.needs
        self.reference = frozen_copy(reference or detector) if needs.reference else None
        self.old = frozen_copy(detector) if needs.old else None

    def before_step(self, step: int) -> None:
        """Refresh the old policy when its turn has come (paper Table 2: every 1000 steps).

        Parameters
        ----------
        step
            Number of the step that follows, from 1.
        """
        if self.old is not None and step > 1 and (step - 1) % self.recipe.old_policy_every == 0:
            self.old.load_state_dict(self.policy.state_dict())

    def loss(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Diagnostics]:
        """Return the loss of a batch, with gradient, and what is worth knowing about it."""
        prepared = self.prepare(batch)
        logits = self.logits(self.policy, prepared)
        with torch.no_grad():
            said = BatchLogits(
                labels=prepared.labels,
                policy=logits,
                reference=self.logits(self.reference, prepared) if self.reference else None,
                old=self.logits(self.old, prepared) if self.old else None,
            )
        return self.objective.loss(said, self.recipe, generator)

    def prepare(self, batch: Batch) -> PreparedBatch:
        """Move, check and normalise a batch, once for all policies."""
        return prepare_batch(self.policy, batch, masked=self.recipe.padding == "masked")

    def logits(self, detector: Detector, batch: PreparedBatch) -> Tensor:
        """Run one of the policies over a batch as the recipe says: ``float32 [B, 2]``."""
        return forward(detector, batch, precision=self.recipe.precision)[1]

    def train(self, mode: bool = True) -> "Policies":
        """Put the policy into training mode (or not, if the recipe drops dropout)."""
        self.policy.train(mode and self.recipe.dropout)
        return self

    def settings(self) -> dict[str, object]:
        """Describe what the loss depends on, to compare a saved state with."""
        return {
            "objective": self.objective.parameters(),
            "recipe": asdict(self.recipe),
            "architecture": asdict(self.policy.architecture),
        }

    def trained_state(self) -> dict[str, Any]:
        """Return the weights that change; the reference is what the run starts from again."""
        old = None if self.old is None else self.old.state_dict()
        return {"policy": self.policy.state_dict(), "old": old}

    def load_trained_state(self, state: Mapping[str, Any]) -> None:
        """Put back what `trained_state` returned."""
        self.policy.load_state_dict(state["policy"])
        if self.old is not None:
            self.old.load_state_dict(state["old"])
