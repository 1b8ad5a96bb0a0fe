"""The arithmetic of a GPU's scoring precisions on a CPU: bf16 by autocast, TF32 by rounding.

A tensor core takes the factors of a product in TF32 (8 bits of exponent, 10 of mantissa) and adds
in float32. On a CPU the same is had by rounding the factors ahead of each product in float32.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from benchmarks.memory import in_bf16, in_float32
from sdd.detector import Detector
from sdd.runtime.devices import Precision

DROPPED_BITS = 13
"""Of the 23 bits of a float32's mantissa, those that TF32 has not."""


def round_to_tf32(x: Tensor) -> Tensor:
    """Round float32 to 10 bits of mantissa, to nearest, ties to even; finite numbers only.

    Added to the bits of a number, half a unit in the last kept place, less one where that place is
    even, carries into it exactly when rounding goes up; a carry into the exponent is right, too.
    """
    bits = x.contiguous().view(torch.int32)
    half = (1 << (DROPPED_BITS - 1)) - 1
    carried = bits + (bits >> DROPPED_BITS).bitwise_and_(1).add_(half)
    return carried.bitwise_and_(-(1 << DROPPED_BITS)).view(torch.float32)


class ProductsInTf32(TorchFunctionMode):
    """Round both factors of every product: linear layers, convolutions, attention's two.

    Parameters that multiply are taken to be rounded already (`with_rounded_weights`). GPUs compute
    the attention of float32 nearer to float32 than that: here it is rounded like all else. The
    detector's last layer is in float32, here as there.
    """

    two_factors = frozenset((F.linear, F.conv1d, F.conv2d))

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401  # whatever torch's function returns
        if func in self.two_factors:
            one, other, *rest = args
            args = (self._rounded(one), self._rounded(other), *rest)
        elif func is F.scaled_dot_product_attention:
            return self._attention(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))

    @staticmethod
    def _rounded(factor: Tensor) -> Tensor:
        return factor if isinstance(factor, nn.Parameter) else round_to_tf32(factor)

    @staticmethod
    def _attention(
        query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout: float
    ) -> Tensor:
        """Attend as the plain kernel does, but for dropout, of which scoring has none."""
        assert not dropout
        scale = query.shape[-1] ** -0.5
        products = round_to_tf32(query) @ round_to_tf32(key).transpose(-1, -2)
        if mask is not None:
            products = products.masked_fill(~mask, float("-inf"))
        weights = (products * scale).softmax(-1)
        return round_to_tf32(weights) @ round_to_tf32(value)


def with_rounded_weights(detector: Detector) -> Detector:
    """Copy a detector with the factors among its weights in TF32, but those of the last layer."""
    rounded = copy.deepcopy(detector)
    for module in rounded.encoder.modules():
        if isinstance(module, nn.Linear | nn.Conv1d):
            module.weight.data = round_to_tf32(module.weight.data)
    return rounded


@contextmanager
def bf16_as_on_a_gpu() -> Iterator[None]:
    """Have a CPU compute `bf16` as a GPU does: by autocast, with norms in float32."""
    with ExitStack() as stack:
        for name, stand_in in {
            "sdd.runtime.devices.computes_in_bf16": in_bf16,
            "torch.nn.functional.layer_norm": in_float32(F.layer_norm),
            "torch.nn.functional.group_norm": in_float32(F.group_norm),
        }.items():
            stack.enter_context(mock.patch(name, stand_in))
        yield


@contextmanager
def not_rounded(_: torch.device) -> Iterator[None]:
    """Run a block in float32 within `ProductsInTf32`."""
    with torch._C.DisableTorchFunction():
        yield


@contextmanager
def arithmetic_of(precision: Precision) -> Iterator[None]:
    """Compute a block as a GPU does in a precision; under `tf32` with rounded weights only."""
    if precision == "bf16":
        with bf16_as_on_a_gpu():
            yield
    elif precision == "tf32":
        with ProductsInTf32(), mock.patch("sdd.detector.detector.in_float32", not_rounded):
            yield
    else:
        yield
