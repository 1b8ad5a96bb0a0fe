"""TF32 on a CPU: the rounding by hand, and which products it reaches."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.gpu_arithmetic import (
    ProductsInTf32,
    arithmetic_of,
    round_to_tf32,
    with_rounded_weights,
)
from sdd.data.dataset import Batch
from sdd.detector.inference import forward, prepare_batch
from tests.helpers.encoders import make, noise

UNIT = 2.0**-10


@pytest.mark.parametrize(
    ("number", "rounded"),
    [
        (0.0, 0.0),
        (1 + UNIT, 1 + UNIT),
        (1 + 0.25 * UNIT, 1.0),
        (1 + 0.75 * UNIT, 1 + UNIT),
        (1 + 0.5 * UNIT, 1.0),  # a tie: 1 is even
        (1 + 1.5 * UNIT, 1 + 2 * UNIT),  # a tie: 1 + UNIT is odd
        (1 + 0.5 * UNIT + 2**-23, 1 + UNIT),  # the least above a tie
        (1 + 1.5 * UNIT - 2**-23, 1 + UNIT),  # the least below one
        (2 - 2**-23, 2.0),  # carries into the exponent
        (math.pi, 3.140625),  # 1.1001001000|01111... x 2
        (1e-3, 1049 * 2**-20),  # 1048.576 units in the last place of 2^-10
        (6.0e-39, 523 * 2**-136),  # subnormal: 522.68 units
    ],
)
def test_rounding_by_hand(number, rounded):
    numbers = torch.tensor([number, -number])
    found = round_to_tf32(numbers).tolist()
    assert found == [rounded, -rounded]


def test_rounding_is_to_the_nearest_of_all_that_tf32_has():
    numbers = torch.randn(100_000, generator=torch.Generator().manual_seed(1))
    found = round_to_tf32(numbers)
    mantissa, exponent = torch.frexp(numbers.double())
    nearest = torch.ldexp((mantissa * 2**11).round(), exponent - 11)  # round: ties to even
    assert torch.equal(found.double(), nearest)
    assert torch.equal(round_to_tf32(found), found)


def is_tf32(x):
    return bool((x.detach().view(torch.int32) & 0x1FFF == 0).all())


class Factors(TorchDispatchMode):
    """Notes of every product whether its factors are in TF32."""

    products = ("mm", "addmm", "bmm", "baddbmm", "convolution", "_scaled_dot_product")

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.name().split("::")[1].split(".")[0]
        if name.startswith(self.products):
            factors = args[1:3] if name in ("addmm", "baddbmm") else args[:2]
            self.found.append((name, all(map(is_tf32, factors))))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("variant", ["layer_norm_pre", "group_norm_post"])
def test_every_product_but_that_of_the_last_layer_has_its_factors_in_tf32(variant):
    detector = make(variant).eval()
    rows = torch.arange(2)
    batch = prepare_batch(
        detector, Batch(noise(2, 3000), torch.tensor([3000, 3000]), rows, rows), masked=True
    )
    rounded = with_rounded_weights(detector)
    with torch.no_grad(), arithmetic_of("tf32"), Factors() as factors:
        _, logits = forward(rounded, batch, precision="tf32")
    *products, last = factors.found
    layers, convolutions = len(detector.encoder.encoder.layers), 0
    convolutions = len(detector.encoder.feature_extractor.conv_layers) + 1
    assert len(products) == convolutions + 1 + layers * (4 + 2 + 2)
    assert all(in_tf32 for _, in_tf32 in products)
    assert last == ("addmm", False)
    with torch.inference_mode():
        _, exact = forward(detector, batch, precision="fp32")
    assert 0 < (logits - exact).abs().max() < 0.02 * exact.abs().max()


def test_attention_is_torch_s_but_for_rounding():
    generator = torch.Generator().manual_seed(2)
    query, key, value = (torch.randn(2, 4, 9, 8, generator=generator) for _ in range(3))
    mask = torch.ones(2, 1, 1, 9, dtype=torch.bool)
    mask[1, ..., 6:] = False
    for attended in (None, mask):
        with ProductsInTf32():
            found = F.scaled_dot_product_attention(query, key, value, attended, 0.0)
        expected = F.scaled_dot_product_attention(query, key, value, attended, 0.0)
        torch.testing.assert_close(found, expected, rtol=0, atol=3e-3)
        assert not torch.equal(found, expected)


def test_bf16_is_autocast_with_norms_in_float32():
    with arithmetic_of("bf16"), torch.inference_mode():
        detector, rows = make("layer_norm_pre").eval(), torch.arange(2)
        batch = Batch(noise(2, 3000), torch.tensor([3000, 3000]), rows, rows)
        kinds = []
        layer = detector.encoder.encoder.layer_norm
        layer.register_forward_hook(lambda _, inputs, y: kinds.extend([inputs[0].dtype, y.dtype]))
        forward(detector, prepare_batch(detector, batch, masked=True), precision="bf16")
    assert kinds == [torch.bfloat16, torch.float32]
