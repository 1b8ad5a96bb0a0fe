"""The policies of a stage of fine-tuning: trained, old and reference, and their loss."""

import copy
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypedDict

import torch
from torch import Tensor, nn

from sdd.data.dataset import Batch
from sdd.detector import Detector
from sdd.detector.inference import forward
from sdd.training.objectives import (
    Divergence,
    Negatives,
    Normalise,
    expected_grpo_loss,
    grpo_diagnostics,
    grpo_loss,
    sample_correct,
    sft_loss,
)
from sdd.training.recipe import GrpoObjective, Recipe, SftObjective


class LossArguments(TypedDict):
    """What `grpo_loss`, its expectation and its diagnostics have in common."""

    group_size: int
    reference_logits: Tensor | None
    old_logits: Tensor | None
    beta: float
    epsilon: float
    normalise: Normalise
    negatives: Negatives
    std_floor: float
    kl: Divergence


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
        The policy, at the weights that the stage starts from.
    objective
        What the stage minimises.
    recipe
        How.
    reference
        The reference policy; by default the stage's start (paper 2.3: a frozen copy).
    compiled
        Whether the forward passes of training go through `torch.compile`.
    """

    reference: Detector | None
    old: Detector | None

    def __init__(
        self,
        detector: Detector,
        objective: GrpoObjective | SftObjective,
        recipe: Recipe,
        reference: Detector | None = None,
        *,
        compiled: bool = False,
    ) -> None:
        super().__init__()
        self.policy = detector
        self.objective = objective
        self.recipe = recipe
        self.compiled = compiled
        # No forward pass is spent on a policy whose output would not be used.
        self.reference = None
        if isinstance(objective, GrpoObjective) and objective.beta > 0:
            self.reference = frozen_copy(reference or detector)
        self.old = None
        if isinstance(objective, GrpoObjective) and not objective.on_policy:
            self.old = frozen_copy(detector)

    def before_step(self, step: int) -> None:
        """Refresh the old policy when its turn has come (paper Table 2: every 1000 steps).

        Parameters
        ----------
        step
            Number of the step that follows, from 1.
        """
        if self.old is not None and step > 1 and (step - 1) % self.recipe.old_policy_every == 0:
            self.old.load_state_dict(self.policy.state_dict())

    def loss(
        self, batch: Batch, generator: torch.Generator, device: torch.device
    ) -> tuple[Tensor, dict[str, float]]:
        """Compute the loss of a batch, and what is worth knowing about it.

        Parameters
        ----------
        batch
            Waveforms [B, T] with their lengths and labels [B].
        generator
            Source of the sampled labels.
        device
            Where the policies are.

        Returns
        -------
        Tensor
            Scalar with gradient.
        dict
            Diagnostics: reward, kl, clipped_share, entropy; empty for SFT.
        """
        logits = self.logits(self.policy, batch, device)
        reference, old = self.frozen_logits(batch, device)
        labels = batch.labels.to(device)
        return self.loss_of_logits(logits, labels, generator, reference=reference, old=old)

    def frozen_logits(
        self, batch: Batch, device: torch.device
    ) -> tuple[Tensor | None, Tensor | None]:
        """Compute what the reference and the old policy say of a batch, [B, 2] each.

        None stands for a policy that the objective does not need.
        """
        with torch.no_grad():
            reference = self.logits(self.reference, batch, device) if self.reference else None
            old = self.logits(self.old, batch, device) if self.old else None
        return reference, old

    def loss_of_logits(
        self,
        logits: Tensor,
        labels: Tensor,
        generator: torch.Generator,
        *,
        reference: Tensor | None = None,
        old: Tensor | None = None,
    ) -> tuple[Tensor, dict[str, float]]:
        """Compute the loss from what the policies say of a batch.

        Parameters
        ----------
        logits
            [B, 2], of the policy.
        labels
            int64 [B].
        generator
            Source of the sampled labels.
        reference, old
            [B, 2], as `frozen_logits` gives them.

        Returns
        -------
        Tensor
            Scalar with gradient.
        dict
            Diagnostics, as `loss`.
        """
        objective = self.objective
        if isinstance(objective, SftObjective):
            return sft_loss(logits, labels), {}
        arguments: LossArguments = {
            "group_size": objective.group_size,
            "reference_logits": reference,
            "old_logits": old,
            "beta": objective.beta,
            "epsilon": objective.epsilon,
            # Without negatives the advantage is the reward itself: nothing is normalised.
            "normalise": self.recipe.advantage if objective.negatives else "none",
            "negatives": self._negatives(objective),
            "std_floor": objective.std_floor,
            "kl": objective.kl,
        }
        n_correct = None
        if objective.rollouts == "exact":
            loss = expected_grpo_loss(logits, labels, **arguments)
        else:
            current = old is None or self.recipe.labels_from == "current"
            source = logits.detach() if current else old
            assert source is not None
            n_correct = sample_correct(source, labels, objective.group_size, generator)
            loss = grpo_loss(logits, labels, n_correct, **arguments)
        return loss, grpo_diagnostics(logits.detach(), labels, n_correct, **arguments)

    def _negatives(self, objective: GrpoObjective) -> Negatives:
        if objective.negatives:
            return "grpo"
        return "none" if self.recipe.without_negatives == "ratio" else "released_none"

    def logits(self, detector: Detector, batch: Batch, device: torch.device) -> Tensor:
        """Run one of the policies over a batch as the recipe says; float32 [B, 2]."""
        _, logits = forward(
            detector,
            batch,
            device,
            precision=self.recipe.precision,
            masked=self.recipe.padding == "masked",
            compiled=self.compiled,
        )
        return logits

    def train(self, mode: bool = True) -> "Policies":
        """Put the policy into training mode (or not, if the recipe drops dropout)."""
        self.policy.train(mode and self.recipe.dropout)
        return self

    def settings(self) -> dict[str, object]:
        """Describe what the loss depends on, to compare a saved state with."""
        return {
            "objective": asdict(self.objective),
            "recipe": asdict(self.recipe),
            "architecture": asdict(self.policy.architecture),
        }

    def trained_state(self) -> dict[str, Any]:
        """Give the weights that change; the reference is what the run starts from again."""
        old = None if self.old is None else self.old.state_dict()
        return {"policy": self.policy.state_dict(), "old": old}

    def load_trained_state(self, state: Mapping[str, Any]) -> None:
        """Put back what `trained_state` gave."""
        self.policy.load_state_dict(state["policy"])
        if self.old is not None:
            self.old.load_state_dict(state["old"])
