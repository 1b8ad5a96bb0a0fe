"""Weights between the start and the end of a stage."""

import json

import pytest
import torch
from safetensors.torch import load_file

from sdd.detector import Detector, find_architecture, read_metadata, save_detector
from sdd.detector.checkpoints.conversion import save_encoder
from sdd.training.averaging import average_stage, interpolate
from sdd.training.finetuning import starting_detector
from tests.conftest import TINY


@pytest.fixture
def ended(tiny_detector, tmp_path):
    """A start in tmp_path, and the end of a stage from it."""
    save_detector(tiny_detector, tmp_path / "start.safetensors")
    detector = Detector(find_architecture(TINY))
    detector.initialise(8)
    save_detector(detector, tmp_path / "end.safetensors", {"licence": "MIT", "steps": "12"})
    return detector


def averaged(folder, weight, start="start.safetensors", new_back_end=False):
    average_stage(
        folder / start,
        folder / "end.safetensors",
        folder / "model.safetensors",
        architecture=TINY,
        weight=weight,
        new_back_end=new_back_end,
        seed=3,
    )
    return load_file(folder / "model.safetensors")


def test_by_hand():
    start, end = torch.tensor([0.0, 1.0, 8.0]), torch.tensor([1.0, 3.0, -8.0])
    assert interpolate(start, end, 0.5).tolist() == [0.5, 2.0, 0.0]
    assert interpolate(start, end, 0.25).tolist() == [0.25, 1.5, 4.0]


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.5, 1.0])
def test_each_weight_is_between_the_two_and_rounded_once(weight, ended, tiny_detector, tmp_path):
    found = averaged(tmp_path, weight)
    first, last = tiny_detector.state_dict(), ended.state_dict()
    assert found.keys() == last.keys()
    for name, value in found.items():
        wanted = first[name].double() * (1 - weight) + last[name].double() * weight
        assert torch.equal(value, wanted.float()), name
        if weight in (0.0, 1.0):
            assert torch.equal(value, (first, last)[int(weight)][name])
    metadata = read_metadata(tmp_path / "model.safetensors")
    assert metadata["licence"] == "MIT"
    assert json.loads(metadata["objective"]) == {"kind": "average", "weight": weight}
    assert "steps" not in metadata


def test_the_start_of_a_pre_trained_encoder_has_the_back_end_that_training_began_with(
    ended, tiny_detector, tmp_path
):
    save_encoder(tiny_detector, tmp_path / "pre.safetensors", {})
    found = averaged(tmp_path, 0.0, "pre.safetensors", new_back_end=True)
    start = starting_detector(tmp_path / "pre.safetensors", TINY, new_back_end=True, seed=3)
    assert all(torch.equal(found[name], value) for name, value in start.state_dict().items())
