"""The policies of a stage of fine-tuning: trained, old and reference, and their loss."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor, nn

from sdd.data.dataset import Batch
from sdd.detector.detector import Detector
from sdd.detector.inference import PreparedBatch, forward, prepare_batch
from sdd.detector.initialisation import without_weights
from sdd.detector.lora import LORA_WEIGHTS, adapt_alike
from sdd.errors import InputError
from sdd.experiment.trainable import EVERYTHING, Trainable
from sdd.runtime.devices import computes_in_bf16
from sdd.training.grpo_terms import Diagnostics
from sdd.training.objective_kinds import BatchLogits, Objective
from sdd.training.recipe import Recipe
from sdd.training.trained_weights import train_only, trained_parameters


def frozen_copy(
    detector: Detector,
    device: torch.device | None = None,
    *,
    in_bf16: bool = False,
    shared: Mapping[str, Tensor] | None = None,
) -> Detector:
    """Copy a detector, with what LoRA adds to it, without gradients and in eval mode.

    Parameters
    ----------
    device
        Where the copy goes; by default where the detector is.
    in_bf16
        Whether the weights of products are kept in bf16, as autocast would round them in each
        pass: the logits are the same to the bit. Not those of norms, of the positional convolution,
        whose norm is taken in float32, of the back end, which computes in float32, and of what LoRA
        adds, which is scaled in float32.
    shared
        Weights of another frozen copy that this one takes as they are.
    """
    with without_weights():
        other = Detector(detector.architecture)
        adapt_alike(other, detector)
    narrow = _weights_of_products(other) if in_bf16 else frozenset()
    # One weight after the other, so that none of them is on the device in both types for long.
    weights = {
        name: weight.to(
            device or detector.device, torch.bfloat16 if name in narrow else None, copy=True
        )
        for name, weight in detector.state_dict().items()
        if name not in (shared or {})
    }
    weights |= shared or {}
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
        if name not in LORA_WEIGHTS
    )


def put_weights(detector: Detector, weights: Mapping[str, Tensor]) -> None:
    """Copy weights into a detector that has others by these names, in its own types."""
    own = detector.state_dict()
    for name, weight in weights.items():
        own[name].copy_(weight.detach())


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
    trainable
        What of the policy is trained; all by default.
    seed
        Of what LoRA adds to the policy.
    """

    reference: Detector | None
    old: Detector | None

    def __init__(
        self,
        detector: Detector,
        objective: Objective,
        recipe: Recipe,
        reference: Detector | None = None,
        *,
        trainable: Trainable = EVERYTHING,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.policy = detector
        self.objective = objective
        self.recipe = recipe
        self.trainable = trainable
        # No forward pass is spent on a policy whose output would not be used.
        needs, device = replace(objective.needs(recipe), trainable=trainable), detector.device
        in_bf16 = computes_in_bf16(device, recipe.precision)
        self.reference = self.old = None
        if needs.reference:
            self.reference = frozen_copy(reference or detector, device, in_bf16=in_bf16)
        # After the reference, which is the start as it is.
        train_only(detector, trainable, seed)
        if needs.old:
            shared = {}
            if needs.share and reference is None and self.reference is not None:
                trained = trained_parameters(detector)
                kept = self.reference.state_dict().items()
                shared = {name: weight for name, weight in kept if name not in trained}
            self.old = frozen_copy(detector, device, in_bf16=in_bf16, shared=shared)

    def before_step(self, step: int) -> None:
        """Refresh the old policy when its turn has come (paper Table 2: every 1000 steps).

        Parameters
        ----------
        step
            Number of the step that follows, from 1.
        """
        if self.old is not None and step > 1 and (step - 1) % self.recipe.old_policy_every == 0:
            put_weights(self.old, trained_parameters(self.policy))

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
            "trainable": asdict(self.trainable),
            "recipe": asdict(self.recipe),
            "architecture": asdict(self.policy.architecture),
        }

    def trained_state(self) -> dict[str, Any]:
        """Return the weights that change; the others are what the run starts from again."""
        trained = {name: it.detach() for name, it in trained_parameters(self.policy).items()}
        old = None
        if self.old is not None:
            weights = self.old.state_dict()
            old = {name: weights[name] for name in trained}
        return {"policy": trained, "old": old}

    def load_trained_state(self, state: Mapping[str, Any]) -> None:
        """Put back what `trained_state` returned.

        Raises
        ------
        InputError
            If it has other weights than are trained here.
        """
        trained = trained_parameters(self.policy).keys()
        for name, policy in (("policy", self.policy), ("old", self.old)):
            if policy is None:
                continue
            if differing := sorted(trained ^ state[name].keys()):
                raise InputError(
                    f"a state's {name} policy lacks trained weights or has others: "
                    f"{len(differing)} of {len(trained)}, first {differing[0]}; delete the state "
                    "to start anew"
                )
            put_weights(policy, state[name])
