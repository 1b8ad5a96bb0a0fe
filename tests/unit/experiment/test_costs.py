"""Costs by arithmetic, held against the detectors themselves, counted by torch."""

from dataclasses import replace

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.memory import Row
from sdd.detector import Detector, find_architecture
from sdd.experiment.costs import (
    fits_gpu,
    forward_operations,
    frozen_bytes,
    parameters,
    state_bytes,
    trained_parameters,
    training_disk_bytes,
    training_gpu_bytes,
    training_passes,
    weight_bytes,
)
from sdd.experiment.trainable import LORA_MODULES, Trainable
from sdd.experiment.training_needs import TrainingNeeds
from sdd.training.policies import frozen_copy
from sdd.training.recipe import Recipe
from tests.conftest import CONFIG, TINY

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


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", ["w2v_small", "mms_300m", "xlsr_2b"])
def test_frozen_policies_are_as_large_as_those_that_training_makes(name, precision):
    encoder = find_architecture(name)
    with torch.device("meta"):
        detector = Detector(encoder)
    copy = frozen_copy(detector, in_bf16=precision == "bf16")
    held = sum(weight.numel() * weight.element_size() for weight in copy.parameters())
    assert frozen_bytes(encoder, precision) == pytest.approx(held, rel=2e-3)


def test_disk_of_xls_r_2b():
    """8.637 GB of weights; a state has three times them, and an old policy, in bf16 4.378 GB."""
    encoder = find_architecture("xlsr_2b")
    weights = weight_bytes(encoder)
    assert weights == pytest.approx(8.637e9, rel=1e-4)
    assert state_bytes(encoder, GRPO, "fp32") == 4 * weights
    assert state_bytes(encoder, GRPO, "bf16") == pytest.approx(3 * weights + 4.378e9, rel=1e-4)
    assert state_bytes(encoder, TrainingNeeds(), "bf16") == 3 * weights
    assert training_disk_bytes(encoder, GRPO, "fp32") / 1e9 == pytest.approx(77.7, abs=0.05)
    assert training_disk_bytes(encoder, GRPO, "bf16") / 1e9 == pytest.approx(69.2, abs=0.05)


def test_passes_of_a_step():
    """SFT: one forward, and a backward that costs two; GRPO: two more, of the frozen policies."""
    encoder = find_architecture("xlsr_2b")
    assert training_passes(encoder, TrainingNeeds(), recomputed=False) == 3
    assert training_passes(encoder, TrainingNeeds(reference=True), recomputed=False) == 4
    assert training_passes(encoder, GRPO, recomputed=False) == 5
    assert training_passes(encoder, GRPO, recomputed=True) == 6


LORA = {"lora": {"rank": 16, "alpha": 32, "modules": ["q_proj", "v_proj"]}}


def part(trainable, **needs):
    return TrainingNeeds(trainable=Trainable.of({"trainable": trainable}), **needs)


def test_what_is_trained_of_xls_r_2b_by_hand():
    """Width 1920, inner width 7680, 48 layers; two logits with a bias each."""
    encoder = find_architecture("xlsr_2b")
    back_end = 2 * 1920 + 2
    linear = 4 * (1920 * 1920 + 1920) + 2 * 1920 * 7680 + 7680 + 1920
    layer = linear + 2 * 2 * 1920
    for trainable, number in (
        ("all", parameters(encoder)),
        ("back_end", back_end),
        ({"layers": [25, 48]}, 24 * layer + back_end),
        (LORA, 48 * 2 * 16 * 2 * 1920 + back_end),
        (
            {"lora": {"rank": 8, "alpha": 8, "modules": ["fc1", "out_proj"]}},
            48 * 8 * (1920 + 7680 + 2 * 1920) + back_end,
        ),
    ):
        found = trained_parameters(encoder, part(trainable).trainable)
        assert found == number, trainable
    # Two moments beside what is trained; what LoRA adds stays in float32, layers do not.
    added = 5_902_082 - back_end
    lora = state_bytes(encoder, part(LORA, old=True), "bf16")
    assert lora == 12 * 5_902_082 + 4 * added + 2 * back_end
    layers = 24 * layer + back_end
    old = state_bytes(encoder, part({"layers": [25, 48]}, old=True), "bf16")
    assert old == 12 * layers + 2 * layers


def test_passes_of_a_step_that_trains_a_part():
    """Gradients of inputs go back to the first layer that is trained, those of weights are few."""
    encoder = find_architecture("xlsr_2b")
    assert training_passes(encoder, part("back_end"), recomputed=True) == 1
    assert training_passes(encoder, part("back_end", reference=True), recomputed=False) == 2
    # The layers are 98.4 % of the parameters; LoRA has 0.3 % of its own.
    assert training_passes(encoder, part(LORA), recomputed=False) == pytest.approx(1.99)
    upper, lower = part({"layers": [25, 48]}), part({"layers": [1, 24]})
    assert training_passes(encoder, upper, recomputed=False) == pytest.approx(
        1 + 2 * 0.492, abs=0.01
    )
    assert training_passes(encoder, lower, recomputed=False) == pytest.approx(
        1 + 3 * 0.492, abs=0.01
    )
    assert training_passes(encoder, upper, recomputed=True) == pytest.approx(
        1 + 3 * 0.492, abs=0.01
    )


def test_frozen_policies_are_kept_once_where_they_are_the_same():
    encoder = find_architecture("xlsr_2b")
    recipe = CONFIG["recipes"]["as_written"]
    objective = {**CONFIG["objectives"]["grpo"], "trainable": LORA}
    gb = {}
    for reference in ("stage_start", "post_trained"):
        needs = TrainingNeeds.of(objective, {**recipe, "reference": reference})
        gb[reference] = gpu_gb(needs, 0.0)
    assert gb["post_trained"] - gb["stage_start"] == pytest.approx(4.378, abs=0.01)
    assert frozen_bytes(encoder, "bf16") / 1e9 == pytest.approx(4.378, abs=0.001)


def gpu_gb(needs, seconds=100.0, precision="bf16", recomputed=False):
    encoder = find_architecture("xlsr_2b")
    options = {"precision": precision, "recomputed": recomputed}
    return training_gpu_bytes(encoder, needs, seconds, **options) / 1e9


def test_gpu_memory_of_xls_r_2b():
    """Ahead of any activation: weights and moments, then gradients, and frozen copies."""
    assert gpu_gb(TrainingNeeds(), 0.0, "fp32") == pytest.approx(4 * 8.637, abs=0.01)
    assert gpu_gb(GRPO, 0.0, "fp32") == pytest.approx(6 * 8.637, abs=0.01)
    assert gpu_gb(GRPO, 0.0) == pytest.approx(4 * 8.637 + 2 * 4.378, abs=0.01)
    # As counted on tensors without content (docs/benchmarks.md).
    assert gpu_gb(GRPO) == pytest.approx(58.7, abs=0.5)
    assert gpu_gb(GRPO, precision="fp32") == pytest.approx(77.7, abs=0.5)
    assert gpu_gb(GRPO, precision="tf32") == gpu_gb(GRPO, precision="fp32")
    assert gpu_gb(GRPO, precision="fp32", recomputed=True) == pytest.approx(57.1, abs=0.5)


def test_a_gpu_has_room_to_spare():
    assert fits_gpu(72e9, 80e9)
    assert not fits_gpu(72.1e9, 80e9)


# Small enough to count in a second, and of the two kinds that there are.
PRE_NORM = {**TINY, "encoder_layers": 3, "encoder_embed_dim": 128, "encoder_ffn_embed_dim": 512}
PRE_NORM |= {"conv_feature_layers": "[(64, 10, 5)] + [(64, 3, 2)] * 4 + [(64, 2, 2)] * 2"}
POST_NORM = {**PRE_NORM, "extractor_mode": "default", "layer_norm_first": False}


@pytest.mark.parametrize(
    ("architecture", "objective", "precision", "recomputed"),
    [
        (PRE_NORM, "grpo", "bf16", False),
        (PRE_NORM, "sft", "bf16", True),
        (PRE_NORM, "grpo", "fp32", False),
        (POST_NORM, "sft", "bf16", False),
        (POST_NORM, "grpo", "fp32", True),
    ],
)
def test_gpu_memory_is_that_of_a_real_step(architecture, objective, precision, recomputed):
    """Counted on tensors without content; benchmarks/memory.py does it for the paper's models."""
    recipe = Recipe.from_config(CONFIG["recipes"]["as_written"])
    encoder = find_architecture({**architecture, "encoder_layerdrop": 0.0})
    row = Row(
        encoder,
        CONFIG["objectives"][objective],
        replace(recipe, precision=precision),
        recomputed,
        3,
        4.0,
    )
    assert row.estimated_bytes() == pytest.approx(row.counted().most, rel=0.05)


ALL_OF_LORA = {"rank": 4, "alpha": 8, "modules": list(LORA_MODULES)}


@pytest.mark.parametrize(
    ("architecture", "objective", "trainable", "precision", "recomputed"),
    [
        (PRE_NORM, "sft", "back_end", "bf16", False),
        (PRE_NORM, "sft", {"layers": [2, 2]}, "bf16", False),
        (PRE_NORM, "grpo", LORA, "bf16", False),
        (PRE_NORM, "grpo", {"lora": ALL_OF_LORA}, "fp32", True),
        (POST_NORM, "grpo", {"layers": [3, 3]}, "fp32", False),
        (POST_NORM, "sft", {"lora": ALL_OF_LORA}, "bf16", True),
    ],
)
def test_gpu_memory_of_a_part_is_that_of_a_real_step(
    architecture, objective, trainable, precision, recomputed
):
    recipe = Recipe.from_config(CONFIG["recipes"]["as_written"])
    encoder = find_architecture({**architecture, "encoder_layerdrop": 0.0})
    config = {**CONFIG["objectives"][objective], "trainable": trainable}
    row = Row(encoder, config, replace(recipe, precision=precision), recomputed, 3, 4.0)
    assert row.estimated_bytes() == pytest.approx(row.counted().most, rel=0.05)
