"""Costs by arithmetic, held against the detectors themselves, counted by torch."""

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from sdd.detector import Detector, find_architecture
from sdd.experiment.costs import (
    activation_bytes,
    forward_operations,
    parameters,
    state_bytes,
    training_disk_bytes,
    training_gpu_bytes,
    training_passes,
    weight_bytes,
)
from sdd.experiment.training_needs import TrainingNeeds
from tests.conftest import TINY

GRPO = TrainingNeeds(reference=True, old=True)


@pytest.mark.parametrize("name", ["w2v_small", "mms_300m", "mms_1b", "xlsr_2b", TINY])
def test_parameters_are_those_of_the_detector(name):
    encoder = find_architecture(name)
    with torch.device("meta"):
        detector = Detector(encoder)
    assert parameters(encoder) == sum(weight.numel() for weight in detector.parameters())


@pytest.mark.parametrize("name", ["w2v_small", "mms_300m"])
def test_operations_are_those_that_torch_counts(name):
    seconds = 3
    encoder = find_architecture(name)
    with torch.device("meta"):
        detector = Detector(encoder).eval()
        waveforms = torch.zeros(1, seconds * 16_000)
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        detector.encoder(waveforms, None)
    counted = counter.get_total_flops() / seconds
    assert forward_operations(encoder, seconds) == pytest.approx(counted, rel=0.02)


def test_disk_of_xls_r_2b():
    """8.637 GB of weights: four times them a GRPO state, and two states and the best at once."""
    encoder = find_architecture("xlsr_2b")
    assert weight_bytes(encoder) == pytest.approx(8.637e9, rel=1e-4)
    assert state_bytes(encoder, GRPO) == 4 * weight_bytes(encoder)
    assert state_bytes(encoder, TrainingNeeds()) == 3 * weight_bytes(encoder)
    assert training_disk_bytes(encoder, GRPO) / 1e9 == pytest.approx(77.7, abs=0.05)


def test_passes_of_a_step():
    """SFT: one forward, and a backward that costs two; GRPO: two more, of the frozen policies."""
    assert training_passes(TrainingNeeds(), recomputed=False) == 3
    assert training_passes(TrainingNeeds(reference=True), recomputed=False) == 4
    assert training_passes(GRPO, recomputed=False) == 5
    assert training_passes(GRPO, recomputed=True) == 6


def test_gpu_memory_of_xls_r_2b():
    """52 GB for GRPO and 35 GB for SFT before any activation (docs/benchmarks.md)."""
    encoder = find_architecture("xlsr_2b")
    for needs, fixed in ((GRPO, 51.8), (TrainingNeeds(), 34.5)):
        nothing = training_gpu_bytes(encoder, needs, 0.0, recomputed=False)
        assert nothing / 1e9 == pytest.approx(fixed, abs=0.1)
    kept = activation_bytes(encoder, 100.0)
    assert training_gpu_bytes(encoder, GRPO, 100.0, recomputed=False) == pytest.approx(
        6 * weight_bytes(encoder) + kept
    )
    # 34 bytes a channel, layer and frame, of 5000 frames; and the extractor's.
    assert kept > 34 * 1920 * 48 * 5000
    assert activation_bytes(encoder, 100.0, recomputed=True) < kept / 3
    assert activation_bytes(encoder, 200.0) == pytest.approx(2 * kept)
