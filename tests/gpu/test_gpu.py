"""What a CUDA GPU must give: the CPU's scores and steps. `make test-gpu`; skipped without one."""

import copy

import pytest
import torch

from sdd.data.batch_loading import load_batches
from sdd.data.dataset import SegmentDataset
from sdd.detector import Detector, find_architecture
from sdd.detector.inference import forward, prepare_batch
from sdd.training.objective_kinds import objective_from_config
from sdd.training.policies import Policies
from sdd.training.recipe import Recipe
from tests.conftest import GRPO, RECIPE, TINY

pytestmark = pytest.mark.gpu


@pytest.fixture
def gpu():
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA GPU")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    return torch.device("cuda")


@pytest.fixture
def batch(tones):
    segments, folder = tones
    return next(load_batches(SegmentDataset.of(segments, folder), [[0, 7, 20, 21]], epoch=0))


def test_scores_are_those_of_the_cpu(gpu, batch, tiny_detector):
    cpu, there = (
        forward(detector, prepare_batch(detector, batch, masked=True), precision="fp32")
        for detector in (tiny_detector.eval(), copy.deepcopy(tiny_detector).to(gpu))
    )
    for ours, theirs in zip(there, cpu, strict=True):
        torch.testing.assert_close(ours.cpu(), theirs, rtol=1e-4, atol=1e-5)


def test_bf16_scores_are_near_those_of_fp32(gpu, batch, tiny_detector):
    detector = tiny_detector.to(gpu).eval()
    prepared = prepare_batch(detector, batch, masked=True)
    logits = {
        precision: forward(detector, prepared, precision=precision)[1]
        for precision in ("fp32", "bf16")
    }
    assert logits["bf16"].dtype == torch.float32
    torch.testing.assert_close(logits["bf16"], logits["fp32"], rtol=0.1, atol=0.1)


@pytest.mark.parametrize("objective", [{"kind": "sft"}, GRPO], ids=["sft", "grpo"])
def test_gradients_are_those_of_the_cpu(gpu, batch, objective):
    recipe = Recipe.from_config({**RECIPE, "dropout": False})
    gradients = []
    for device in (torch.device("cpu"), gpu):
        detector = Detector(find_architecture(TINY))
        detector.initialise(7)
        policies = Policies(detector.to(device), objective_from_config(objective), recipe)
        policies.train()
        # Labels are drawn on the CPU, so that both devices see the same ones.
        loss, _ = policies.loss(batch, torch.Generator().manual_seed(1))
        loss.backward()
        gradients.append({k: v.grad.cpu() for k, v in policies.policy.named_parameters()})
    for name, value in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], value, rtol=1e-3, atol=1e-5)
