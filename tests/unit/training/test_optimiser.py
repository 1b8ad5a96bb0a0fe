"""The optimiser, the gradient's norm and its limit: what torch's own give, to the bit."""

import copy
import math
import sys

import pytest
import torch
from torch import nn

from sdd.detector.checkpoints.conversion import save_encoder
from sdd.training.finetuning import finetune
from sdd.training.optimiser import AdamW, clip_gradient, gradient_norm
from tests.conftest import GRPO
from tests.helpers.processes import run_to_the_end, start_server
from tests.helpers.runs import finetune_arguments


def with_gradient(norm):
    """A module whose gradient has a norm of about this; one parameter has none."""
    module = nn.ModuleDict({"a": nn.Linear(7, 5), "b": nn.Linear(5, 3), "frozen": nn.Linear(2, 2)})
    generator = torch.Generator().manual_seed(3)
    module.requires_grad_(True)["frozen"].requires_grad_(False)
    for name in "ab":
        for parameter in module[name].parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
    scale = norm / float(gradient_norm(module))
    for name in "ab":
        for parameter in module[name].parameters():
            parameter.grad *= scale
    return module


def gradients(module):
    return [it.grad for it in module.parameters() if it.grad is not None]


def test_norm_by_hand():
    module = nn.Linear(2, 1)
    module.weight.grad, module.bias.grad = torch.tensor([[3.0, 4.0]]), torch.tensor([12.0])
    assert gradient_norm(module).item() == 13


# In float32 and divided by it, 100 less a rounding step is where the factor may leave 1.
@pytest.mark.parametrize("norm", [1e-3, 50, 98.99, 99.01, 99.99999, 100, 100.00001, 101, 1e4])
def test_equals_clipping_by_torch_to_the_bit(norm):
    ours, theirs = with_gradient(norm), with_gradient(norm)
    expected = nn.utils.clip_grad_norm_(theirs.parameters(), 100.0)
    found = gradient_norm(ours)
    assert torch.equal(found, expected)
    clip_gradient(ours, found, found.item(), 100.0)
    for one, other in zip(gradients(ours), gradients(theirs), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(("norm", "written"), [(98.9, False), (99.1, True), (150, True)])
def test_a_short_gradient_is_not_even_read(norm, written):
    module = with_gradient(norm)
    before = [(it._version, it.clone()) for it in gradients(module)]
    found = gradient_norm(module)
    clip_gradient(module, found, found.item(), 100.0)
    for gradient, (version, _) in zip(gradients(module), before, strict=True):
        assert (gradient._version > version) == written
    longest = math.sqrt(sum(float((it**2).sum()) for it in gradients(module)))
    assert longest == pytest.approx(min(norm, 100.0), rel=1e-5)


def steps_of(kind, steps, saved=None):
    module = nn.ModuleDict({"a": nn.Linear(7, 5), "b": nn.Linear(5, 3)})
    generator = torch.Generator().manual_seed(1)
    for parameter in module.parameters():
        nn.init.normal_(parameter, generator=generator)
    optimiser = kind(module["a"].parameters(), lr=1e-2, weight_decay=0.1, eps=1e-6)
    optimiser.add_param_group({"params": module["b"].parameters(), "lr": 1e-3})
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 / (1 + step))
    if saved:
        optimiser.load_state_dict(copy.deepcopy(saved))  # whose tensors it would take
    for _ in range(steps):
        optimiser.zero_grad()
        module["b"](module["a"](torch.randn(4, 7, generator=generator))).square().sum().backward()
        optimiser.step()
        schedule.step()
    assert torch.is_grad_enabled()
    return optimiser.state_dict(), module.state_dict()


def test_takes_the_steps_of_torchs_adamw_to_the_bit():
    halfway = steps_of(torch.optim.AdamW, 3)[0]
    for saved in (None, halfway):
        ours, weights = steps_of(AdamW, 5, saved)
        theirs, expected = steps_of(torch.optim.AdamW, 5, saved)
        assert ours["param_groups"] == theirs["param_groups"]
        for number, moments in theirs["state"].items():
            for name, value in moments.items():
                assert torch.equal(ours["state"][number][name], value)
        assert all(torch.equal(weights[name], value) for name, value in expected.items())


def train_without_a_compiler(arguments):
    finetune(**arguments)
    assert not {"torch._dynamo", "sympy"} & sys.modules.keys()


def test_training_imports_no_compiler(tones, tiny_detector, tmp_path):
    """Which nothing of it uses, and which costs a job more than the import of half of torch."""
    start_server()
    save_encoder(tiny_detector, tmp_path / "pre.safetensors", {})
    arguments = finetune_arguments(
        tones, tmp_path, tmp_path / "pre.safetensors", GRPO, new_back_end=True
    )
    assert run_to_the_end(train_without_a_compiler, arguments) == 0
