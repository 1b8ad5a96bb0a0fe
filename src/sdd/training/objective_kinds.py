"""Objectives as a config describes them: one frozen dataclass a kind, found by its `kind`.

A kind owns its parameters, its checks, what it needs, its loss and its diagnostics; the losses
themselves are pure functions (`sdd.training.objectives`). docs/objectives.md shows how to add one.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from sdd.errors import InputError
from sdd.experiment.training_needs import TrainingNeeds
from sdd.training.grpo_terms import Diagnostics, Divergence, Grpo, Negatives
from sdd.training.objectives import (
    expected_grpo_loss,
    grpo_loss,
    penalised_sft_loss,
    sample_correct,
    sft_loss,
)
from sdd.training.recipe import Recipe


@dataclass(frozen=True)
class BatchLogits:
    """What the policies say of a batch.

    Attributes
    ----------
    labels
        ``int64 [B]``.
    policy
        ``float32 [B, 2]``, with gradient.
    reference, old
        ``float32 [B, 2]``; None for a policy that the objective does not need.
    """

    labels: Tensor
    policy: Tensor
    reference: Tensor | None = None
    old: Tensor | None = None


class Objective(ABC):
    """What a stage of fine-tuning minimises."""

    kind: ClassVar[str]

    def needs(self, recipe: Recipe) -> TrainingNeeds:
        """Return which frozen policies it looks at, by the words of its parameters."""
        return TrainingNeeds.of(self.parameters(), vars(recipe))

    def parameters(self) -> dict[str, Any]:
        """Return the parameters by name, less those that a config may leave out and did."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)  # type: ignore[arg-type]  # kinds are dataclasses
            if getattr(self, field.name) != field.default
        }

    def as_config(self) -> dict[str, Any]:
        """Return the mapping of a config that it is made from."""
        return {"kind": self.kind, **self.parameters()}

    @abstractmethod
    def loss(
        self, batch: BatchLogits, recipe: Recipe, generator: torch.Generator
    ) -> tuple[Tensor, Diagnostics]:
        """Return the loss of a batch, a scalar with gradient, and what is worth knowing about it.

        Parameters
        ----------
        recipe
            Its switches may say how the objective is computed.
        generator
            Source of what is sampled; on the CPU, so that every device draws the same.

        Returns
        -------
        loss
            Scalar.
        diagnostics
            Detached scalars; those of `sdd.training.state.HISTORY` are kept.
        """


@dataclass(frozen=True)
class SftObjective(Objective):
    """Supervised fine-tuning (paper Eq. 1), held near the reference where beta is above 0."""

    kind: ClassVar[str] = "sft"

    beta: float = 0.0
    kl: Divergence | None = None

    def loss(
        self, batch: BatchLogits, recipe: Recipe, generator: torch.Generator
    ) -> tuple[Tensor, Diagnostics]:
        """Return the mean negative log-likelihood, and the penalty if there is one."""
        if self.beta == 0:
            return sft_loss(batch.policy, batch.labels), {}
        assert batch.reference is not None
        assert self.kl is not None  # the schema asks for it beside beta
        return penalised_sft_loss(
            batch.policy, batch.labels, batch.reference, beta=self.beta, kl=self.kl
        )


@dataclass(frozen=True)
class GrpoObjective(Objective):
    """GRPO (paper Table 2, A.2) and its variants (paper 2.4)."""

    kind: ClassVar[str] = "grpo"

    group_size: int
    beta: float
    epsilon: float
    std_floor: float
    on_policy: bool
    negatives: bool
    kl: Divergence
    rollouts: Literal["sampled", "exact"]

    def options(self, recipe: Recipe) -> Grpo:
        """Return the options of the pure loss: the parameters, and the switches of the recipe."""
        negatives: Negatives = "grpo"
        if not self.negatives:
            negatives = "none" if recipe.without_negatives == "ratio" else "released_none"
        return Grpo(
            group_size=self.group_size,
            beta=self.beta,
            epsilon=self.epsilon,
            # Without negatives the advantage is the reward itself: nothing is normalised.
            normalise=recipe.advantage if self.negatives else "none",
            negatives=negatives,
            std_floor=self.std_floor,
            kl=self.kl,
        )

    def loss(
        self, batch: BatchLogits, recipe: Recipe, generator: torch.Generator
    ) -> tuple[Tensor, Diagnostics]:
        """Return the GRPO loss of labels that are sampled here, or its expectation."""
        logits, labels, options = batch.policy, batch.labels, self.options(recipe)
        if self.rollouts == "exact":
            return expected_grpo_loss(
                logits, labels, options, reference_logits=batch.reference, old_logits=batch.old
            )
        current = batch.old is None or recipe.labels_from == "current"
        source = logits.detach() if current else batch.old
        assert source is not None
        n_correct = sample_correct(source, labels, self.group_size, generator)
        return grpo_loss(
            logits,
            labels,
            n_correct,
            options,
            reference_logits=batch.reference,
            old_logits=batch.old,
        )


KINDS: dict[str, type[Objective]] = {kind.kind: kind for kind in (SftObjective, GrpoObjective)}


def objective_from_config(config: Mapping[str, Any]) -> Objective:
    """Make an objective of a config's mapping, which has been held against the schema.

    Raises
    ------
    InputError
        If there is no such kind.
    """
    parameters = {key: value for key, value in config.items() if key != "kind"}
    if config["kind"] not in KINDS:
        raise InputError(f"kind of an objective: {config['kind']!r}; known: {', '.join(KINDS)}")
    return KINDS[config["kind"]](**parameters)
