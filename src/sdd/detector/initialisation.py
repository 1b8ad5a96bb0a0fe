"""Random weights from a seed, distributed as fairseq's fresh weights are.

All numbers are drawn on the CPU, in the order of the modules, so that one seed gives the same
weights on every device.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from sdd.detector.encoder import Encoder, WeightNormConvolution

TRANSFORMER_STD = 0.02


class _DrawNothing(TorchFunctionMode):
    """Skip the initialisation that torch's layers do when they are made.

    Without storage there is nothing to draw, but torch would import sympy for it, which costs more
    than a second and 150 MB.
    """

    draws = frozenset(
        (nn.init.kaiming_uniform_, nn.init.kaiming_normal_, nn.init.normal_, nn.init.uniform_)
    )

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401  # whatever torch's function returns
        kwargs = kwargs or {}
        if func in self.draws:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


@contextmanager
def without_weights() -> Iterator[None]:
    """Build modules on the meta device: shapes and no storage, to be given weights."""
    with torch.device("meta"), _DrawNothing():
        yield


@torch.no_grad()
def initialise_encoder(encoder: Encoder, generator: torch.Generator) -> None:
    """Draw all weights of an encoder anew, in place.

    Convolutions: He normal, biases uniform; projection: uniform in +-1/sqrt(inputs); linear layers
    of the transformer: normal(0, 0.02), no bias; positional convolution: normal(0,
    sqrt(4 / (kernel * width))), no bias; norms: 1 and 0. The generator is one of the CPU.
    """
    for name, module in encoder.named_modules():
        if isinstance(module, nn.Conv1d):
            inputs = module.weight[0].numel()
            _draw_normal(module.weight, math.sqrt(2 / inputs), generator)
            if module.bias is not None:
                _draw_uniform(module.bias, 1 / math.sqrt(inputs), generator)
        elif isinstance(module, WeightNormConvolution):
            _draw_normal(module.weight_v, module.standard_deviation, generator)
            norm = torch.linalg.vector_norm(module.weight_v, dim=(0, 1), keepdim=True)
            module.weight_g.copy_(norm)
            module.bias.zero_()
        elif isinstance(module, nn.Linear) and name.startswith("encoder."):
            _draw_normal(module.weight, TRANSFORMER_STD, generator)
            module.bias.zero_()
        elif isinstance(module, nn.Linear):
            initialise_linear(module, generator)
        elif isinstance(module, nn.LayerNorm | nn.GroupNorm):
            module.weight.fill_(1)
            module.bias.zero_()


@torch.no_grad()
def initialise_linear(layer: nn.Linear, generator: torch.Generator) -> None:
    """Draw weight and bias, in place, uniformly in +-1/sqrt(inputs), torch's own distribution."""
    bound = 1 / math.sqrt(layer.in_features)
    _draw_uniform(layer.weight, bound, generator)
    _draw_uniform(layer.bias, bound, generator)


def _draw_normal(parameter: Tensor, std: float, generator: torch.Generator) -> None:
    parameter.copy_(torch.randn(parameter.shape, generator=generator) * std)


def _draw_uniform(parameter: Tensor, bound: float, generator: torch.Generator) -> None:
    parameter.copy_((torch.rand(parameter.shape, generator=generator) * 2 - 1) * bound)
