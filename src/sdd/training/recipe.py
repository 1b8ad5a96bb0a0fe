"""A recipe as typed values, made from its slice of the config."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sdd.data.dataset import CropRule
from sdd.experiment.training_needs import training_switches


@dataclass(frozen=True)
class Recipe:
    """How fine-tuning runs; every field is a switch of config.yaml, explained there.

    All but `scoring_precision`, which training does not look at.
    """

    round_seeds: Literal["differ", "same"]
    advantage: Literal["group", "batch"]
    labels_from: Literal["old", "current"]
    old_policy_every: int
    without_negatives: Literal["ratio", "log_probability"]
    reference: Literal["stage_start", "post_trained"]
    crop: CropRule
    padding: Literal["masked", "pooled"]
    rawboost: int
    learning_rate: float
    weight_decay: float
    adam_epsilon: float
    warm_up_steps: int
    schedule_steps: int
    decay_factor: float
    schedule: Literal["before_step", "after_step"]
    max_gradient_norm: float
    epochs: int
    max_steps: int
    validate_every: int
    early_stopping: int | None
    selection: Literal["eer", "der"]
    validation_as_training: bool
    batch_seconds: float
    buckets: int
    batch_durations: Literal["cropped", "whole"]
    batch_order: Literal["each_epoch", "first_epoch"]
    batch_seed: Literal["round", "fixed"]
    precision: Literal["fp32", "tf32", "bf16"]
    dropout: bool
    score: Literal["logit", "probability"]
    skip_suffixes: tuple[str, ...]

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Recipe":
        """Make a recipe of a config's mapping, which has been held against the schema."""
        return cls(
            **{
                **training_switches(config),
                "crop": CropRule(**config["crop"]),
                "skip_suffixes": tuple(config["skip_suffixes"]),
            }
        )

    def learning_rate_of_step(self, step: int) -> float:
        """Return the learning rate of an optimiser step.

        SpeechBrain's warm-up with exponential decay, as the authors use it: its n-th call (n from
        0) gives base * n / warm_up while n < warm_up, and afterwards
        min(base, base * decay ** ((n - warm_up) / (total - warm_up))). `before_step` calls it
        ahead of each step; `after_step` after it, so that the first runs at the full rate.

        Parameters
        ----------
        step
            Number of the step, from 1.
        """
        call = step - 1 if self.schedule == "before_step" else step - 2
        if call < 0:
            return self.learning_rate
        if call < self.warm_up_steps:
            return self.learning_rate * call / self.warm_up_steps
        length = self.schedule_steps - self.warm_up_steps
        if length <= 0:  # the exponent would be 0 or negative: never below the base
            return self.learning_rate
        decay = math.pow(self.decay_factor, (call - self.warm_up_steps) / length)
        return min(self.learning_rate, self.learning_rate * decay)
