"""The policies of a stage of fine-tuning: trained, old and reference, and their loss."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from sdd.data.dataset import Batch
from sdd.detector.detector import Detector
from sdd.detector.inference import PreparedBatch, forward, prepare_batch
from sdd.detector.initialisation import without_weights
from sdd.runtime.devices import computes_in_bf16
from sdd.training.grpo_terms import Diagnostics
from sdd.training.objective_kinds import BatchLogits, Objective
from sdd.training.recipe import Recipe


def frozen_copy(
    detector: Detector, device: torch.device | None = None, *, in_bf16: bool = False
) -> Detector:
    """Copy a detector without gradients, in eval mode.

    Parameters
    ----------
    device
        Where the copy goes; by default where the detector is.
    in_bf16
        Whether the weights of products are kept in bf16, as autocast would round them in each
        pass: the logits are the same to the bit. Not those of norms, of the positional convolution,
        whose norm is taken in float32, and of the back end, which computes in float32.
    """
    with without_weights():
        other = Detector(detector.architecture)
    narrow = _weights_of_products(other) if in_bf16 else frozenset()
    # One weight after the other, so that none of them is on the device in both types for long.
    weights = {
        name: weight.to(
            device or detector.device, torch.bfloat16 if name in narrow else None, copy=True
        )
        for name, weight in detector.state_dict().items()
    }
    other.load_state_dict(weights, assign=True)
    other.requires_grad_(False)
    return other.eval()


def _weights_of_products(detector: Detector) -> frozenset[str]:
    """Return the names of the encoder's weights that are factors of products, and their biases."""
    return frozenset(
        f"m_ssl.model.{module_name}.{name}"
        for module_name, module in detector.encoder.named_modules()
        if isinstance(module, nn.Linear | nn.Conv1d)
        for name, _ in module.named_parameters()
    )


class Policies(nn.Module):
    """The detector that is trained, and the frozen ones that its objective needs.

    Parameters
    ----------
    detector
        The policy, at the weights that the stage starts from, on the device to compute on.
    objective, recipe
        What the stage minimises, and how.
    reference
        The reference policy, on any device; by default the stage's start (paper 2.3: a frozen
        copy).
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
        needs, device = objective.needs(recipe), detector.device
        in_bf16 = computes_in_bf16(device, recipe.precision)
        self.reference = self.old = None
        if needs.reference:
            self.reference = frozen_copy(reference or detector, device, in_bf16=in_bf16)
        if needs.old:
            self.old = frozen_copy(detector, device, in_bf16=in_bf16)

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
        # The frozen ones first, ahead of all that the policy keeps for its backward pass.
        with torch.no_grad():
            reference = self.logits(self.reference, prepared) if self.reference else None
            old = self.logits(self.old, prepared) if self.old else None
        policy = self.logits(self.policy, prepared)
        said = BatchLogits(prepared.labels, policy, reference=reference, old=old)
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
