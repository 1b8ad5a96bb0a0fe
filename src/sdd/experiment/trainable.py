"""What of a detector a stage of fine-tuning trains: `trainable` of an objective.

No torch here: the plan counts by it, and training (`sdd.training.trained_weights`) follows it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LORA_MODULES = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")
"""Linear layers of a transformer layer that LoRA may adapt."""


@dataclass(frozen=True)
class Lora:
    """Low-rank adaptation (Hu et al., arXiv 2106.09685): W + (alpha / rank) B A, W frozen.

    Attributes
    ----------
    modules
        Of `LORA_MODULES`, in every transformer layer.
    """

    rank: int
    alpha: float
    modules: tuple[str, ...]

    @property
    def scale(self) -> float:
        """What the product B A is multiplied by."""
        return self.alpha / self.rank


@dataclass(frozen=True)
class Trainable:
    """What is trained; the back end always is.

    Attributes
    ----------
    encoder
        Whether everything is.
    layers
        First and last transformer layer that are trained, from 1, both included.
    lora
        What is added to the transformer layers and trained in their place.
    """

    encoder: bool = True
    layers: tuple[int, int] | None = None
    lora: Lora | None = None

    @classmethod
    def of(cls, objective: Mapping[str, Any]) -> "Trainable":
        """Read it from an objective of the config, which has been held against the schema."""
        said = objective.get("trainable", "all")
        if said == "all":
            return cls()
        if said == "back_end":
            return cls(encoder=False)
        if "layers" in said:
            first, last = said["layers"]
            return cls(encoder=False, layers=(first, last))
        spec = said["lora"]
        lora = Lora(spec["rank"], float(spec["alpha"]), tuple(sorted(spec["modules"])))
        return cls(encoder=False, lora=lora)

    def trained_layers(self, layers: int) -> range:
        """Return the transformer layers, from 0, that are trained, of so many."""
        if self.encoder:
            return range(layers)
        return range(self.layers[0] - 1, self.layers[1]) if self.layers else range(0)

    def first_layer_with_gradient(self, layers: int) -> int:
        """Return the layer, from 0, that the backward pass ends at; `layers` if at none."""
        if self.encoder or self.lora:
            return 0
        return self.layers[0] - 1 if self.layers else layers


EVERYTHING = Trainable()
