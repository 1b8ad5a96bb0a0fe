"""Low-rank adaptation of linear layers, and merging it away.

Hu et al., *LoRA: Low-Rank Adaptation of Large Language Models*, arXiv 2106.09685, section 4.1:
``h = W x + (alpha / r) B A x``. A is random and B zero, so that nothing changes at the start.
"""

import math
from collections.abc import Collection, Iterator
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sdd.detector.detector import Detector
from sdd.detector.initialisation import without_weights

LORA_WEIGHTS = ("lora_a", "lora_b")
"""Parameters of an adapted layer that an ordinary one does not have."""


class LoraLinear(nn.Linear):
    """A linear layer with a low-rank addition; takes the place of another and has its weights.

    Parameters
    ----------
    linear
        Its weight and bias become this layer's, as the same objects.
    rank
        r: inputs go through so many numbers.
    scale
        alpha / r.
    """

    def __init__(self, linear: nn.Linear, rank: int, scale: float) -> None:
        with without_weights():
            super().__init__(linear.in_features, linear.out_features)
        self.weight, self.bias = linear.weight, linear.bias
        self.rank, self.scale = rank, scale
        self.lora_a = nn.Parameter(linear.weight.new_empty(rank, linear.in_features))
        self.lora_b = nn.Parameter(linear.weight.new_zeros(linear.out_features, rank))

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Draw A uniformly in +-1/sqrt(inputs), on the CPU; B is zero."""
        drawn = torch.rand(self.lora_a.shape, generator=generator) * 2 - 1
        self.lora_a.copy_(drawn / math.sqrt(self.in_features))
        self.lora_b.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """Transform ``float [..., inputs]`` to ``float [..., outputs]``."""
        # B is scaled, which is small, and not what comes out.
        added = F.linear(F.linear(x, self.lora_a), self.scale * self.lora_b)
        return F.linear(x, self.weight, self.bias) + added

    def merged_weight(self) -> Tensor:
        """Return W + (alpha / r) B A, summed in float64, in the type of W and on the CPU."""
        weight, a, b = (it.detach().cpu() for it in (self.weight, self.lora_a, self.lora_b))
        return torch.addmm(weight.double(), b.double(), a.double(), alpha=self.scale).to(weight)


def add_lora(detector: Detector, names: Collection[str], rank: int, scale: float) -> None:
    """Put adapted layers in the place of linear layers of the transformer.

    Parameters
    ----------
    names
        Last parts of the layers' names, such as ``q_proj``, in every transformer layer.

    Raises
    ------
    ValueError
        If a name is of no linear layer.
    """
    found = set()
    for layer in detector.encoder.encoder.layers:
        for path, module in list(layer.named_modules()):
            name = path.rpartition(".")[2]
            if isinstance(module, nn.Linear) and name in names:
                _replace(layer, path, LoraLinear(module, rank, scale))
                found.add(name)
    if found != set(names):
        raise ValueError(f"no linear layer is called {sorted(set(names) - found)}")


def initialise_lora(detector: Detector, seed: int) -> None:
    """Draw the added weights of all adapted layers from a seed, in the order of the layers."""
    generator = torch.Generator().manual_seed(seed)
    for _, module in adapted_layers(detector):
        module.initialise(generator)


def adapted_layers(detector: Detector) -> Iterator[tuple[str, LoraLinear]]:
    """Yield the adapted layers of a detector by their names."""
    for name, module in detector.named_modules():
        if isinstance(module, LoraLinear):
            yield name, module


def adapt_alike(detector: Detector, model: Detector) -> None:
    """Adapt the layers of a detector that are adapted in another of the same architecture."""
    for name, module in adapted_layers(model):
        linear = cast(nn.Linear, detector.get_submodule(name))
        _replace(detector, name, LoraLinear(linear, module.rank, module.scale))


def merged_weights(detector: Detector) -> dict[str, Tensor]:
    """Return the weights of the ordinary detector that computes the same, by its names.

    Those that nothing was added to are the detector's own.
    """
    merged = {f"{name}.weight": module for name, module in adapted_layers(detector)}
    return {
        name: merged[name].merged_weight() if name in merged else weight
        for name, weight in detector.state_dict().items()
        if name.rpartition(".")[2] not in LORA_WEIGHTS
    }


def _replace(parent: nn.Module, path: str, module: nn.Module) -> None:
    owner, _, name = path.rpartition(".")
    setattr(parent.get_submodule(owner), name, module)
