"""Training through inductor, which builds C++ code: minutes, the first time, and a compiler."""

import shutil

import pytest
import torch

from tests.helpers.encoders import AUTHORS, make, noise

pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, ("c++", "g++", "clang++"))),
    reason="inductor needs a C++ compiler: apt-get install g++",
)


@pytest.mark.parametrize("variant", AUTHORS)
def test_inductor_compiles_as_one_graph_in_training(variant):
    detector = make(variant, dropout=0.1, encoder_layers=1).train()
    detector.checkpoint_activations = True
    torch.compiler.reset()
    compiled = torch.compile(detector, fullgraph=True)
    compiled(noise(2, 2000)).square().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in detector.parameters())
    detector.eval()
    torch.testing.assert_close(
        compiled(noise(2, 2000)), detector(noise(2, 2000)), atol=1e-5, rtol=1e-4
    )
