"""Which policies a stage of fine-tuning needs: for its job's memory and for its training."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sdd.experiment.trainable import EVERYTHING, Trainable

NOT_OF_TRAINING = ("scoring_precision", "encode_mp3_again")
"""Switches of a recipe that training does not look at: of scores alone, and of segment tables."""


@dataclass(frozen=True)
class TrainingNeeds:
    """What an objective needs besides the policy itself.

    Attributes
    ----------
    reference, old
        Whether there is a frozen reference policy, and a frozen old one.
    trainable
        What of the policy is trained.
    start_is_reference
        Whether the reference is what the stage starts from, whatever it is the stage of.
    """

    reference: bool = False
    old: bool = False
    trainable: Trainable = EVERYTHING
    start_is_reference: bool = True

    @classmethod
    def of(cls, objective: Mapping[str, Any], recipe: Mapping[str, Any]) -> "TrainingNeeds":
        """Read the needs of an objective from its parameters, under a recipe.

        Two keys mean the same in every kind of objective, so that no list of kinds is kept here:
        `beta` is the weight of a penalty against the reference, and ``on_policy: false`` asks for
        an old policy. A kind without the key has no such policy. Nor is there an old one where
        nothing looks at it: as released, GRPO without negatives has no ratio, and its labels are
        the current policy's.
        """
        unused = (
            not objective.get("negatives", True)
            and objective.get("rollouts") == "sampled"
            and recipe["without_negatives"] == "log_probability"
            and recipe["labels_from"] == "current"
        )
        return cls(
            reference=objective.get("beta", 0) > 0,
            old=not objective.get("on_policy", True) and not unused,
            trainable=Trainable.of(objective),
            start_is_reference=recipe["reference"] == "stage_start",
        )

    @property
    def share(self) -> bool:
        """Whether old policy and reference are the same but for what is trained, and kept once."""
        both = self.reference and self.old and self.start_is_reference
        return both and not self.trainable.encoder

    @property
    def frozen(self) -> int:
        """Frozen copies of the detector, each of which takes a forward pass a step."""
        return self.reference + self.old


def training_switches(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe less what training does not look at: a change of that trains nothing again.

    What segments it hears, an input of it says.
    """
    return {name: value for name, value in recipe.items() if name not in NOT_OF_TRAINING}
