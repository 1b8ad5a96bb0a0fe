"""LoRA: nothing at its start, the same when it is merged, and ordinary files."""

import pytest
import torch
from torch import nn

from sdd.detector import load_detector, save_detector
from sdd.detector.lora import (
    LoraLinear,
    adapt_alike,
    adapted_layers,
    add_lora,
    initialise_lora,
    merged_weights,
)
from tests.helpers.encoders import make, noise

MODULES = ("q_proj", "v_proj", "fc1", "fc2")
LENGTHS = torch.tensor([3000, 1777])


def adapted(variant="layer_norm_pre", names=MODULES, rank=3, scale=0.5):
    detector = make(variant).eval()
    add_lora(detector, names, rank, scale)
    initialise_lora(detector, 5)
    return detector


def moved(detector):
    """As if it had been trained: B is no longer zero."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for _, module in adapted_layers(detector):
            module.lora_b.copy_(0.1 * torch.randn(module.lora_b.shape, generator=generator))
    return detector


def test_a_layer_by_hand():
    """W x + b + (alpha / r) B A x, with A (1, 2), B (3, 0) and alpha / r = 1/2."""
    linear = nn.Linear(2, 2)
    layer = LoraLinear(linear, rank=1, scale=0.5)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
        linear.bias.copy_(torch.tensor([0.0, 10.0]))
        layer.lora_a.copy_(torch.tensor([[1.0, 2.0]]))
        layer.lora_b.copy_(torch.tensor([[3.0], [0.0]]))
    assert layer(torch.tensor([5.0, 7.0])).tolist() == [5 + 0.5 * 3 * 19, 17]
    assert layer.merged_weight().tolist() == [[2.5, 3.0], [0.0, 1.0]]
    assert layer.weight is linear.weight


@pytest.mark.parametrize("variant", ["layer_norm_pre", "group_norm_post"])
def test_it_does_nothing_at_its_start(variant):
    plain, detector = make(variant).eval(), adapted(variant)
    waveforms = noise(2, 3000)
    with torch.no_grad():
        assert torch.equal(detector(waveforms, LENGTHS), plain(waveforms, LENGTHS))
    for name, weight in merged_weights(detector).items():
        assert torch.equal(weight, plain.state_dict()[name])


@pytest.mark.parametrize("variant", ["layer_norm_pre", "group_norm_post"])
def test_merged_it_computes_the_same_and_is_an_ordinary_detector(variant, tmp_path):
    detector, plain = moved(adapted(variant)), make(variant).eval()
    save_detector(detector, tmp_path / "merged.safetensors")
    merged = load_detector(tmp_path / "merged.safetensors")
    assert not list(adapted_layers(merged))
    waveforms = noise(2, 3000)
    with torch.no_grad():
        unmerged = detector(waveforms, LENGTHS)
        assert (unmerged - plain(waveforms, LENGTHS)).abs().max() > 1e-3
        assert (unmerged - merged(waveforms, LENGTHS)).abs().max() <= 1e-6
    changed = {
        name
        for name, weight in merged.state_dict().items()
        if not torch.equal(weight, plain.state_dict()[name])
    }
    assert changed == {f"{name}.weight" for name, _ in adapted_layers(detector)}
    assert {name.rpartition(".")[0].rpartition(".")[2] for name in changed} == set(MODULES)


def test_weights_are_drawn_from_the_seed():
    one, again, other = adapted(), adapted(), adapted()
    initialise_lora(other, 6)
    first = [[module.lora_a for _, module in adapted_layers(it)] for it in (one, again, other)]
    for a, same, another in zip(*first, strict=True):
        assert torch.equal(a, same)
        assert not torch.equal(a, another)
        assert a.abs().max() <= a.shape[1] ** -0.5
    assert len({a.sum().item() for a in first[0]}) == len(first[0])


def test_another_detector_is_adapted_alike():
    detector, other = adapted(), make("layer_norm_pre")
    adapt_alike(other, detector)
    names = [name for name, _ in adapted_layers(detector)]
    assert [name for name, _ in adapted_layers(other)] == names
    # Three layers with four modules each.
    assert len(names) == 12
    assert {(it.rank, it.scale) for _, it in adapted_layers(other)} == {(3, 0.5)}


def test_a_name_of_no_layer():
    with pytest.raises(ValueError, match="query"):
        add_lora(make("layer_norm_pre"), ["q_proj", "query"], 2, 1.0)
