"""Saving detectors: what is read again, and what cannot be saved."""

import json

import pytest
import torch

from sdd.detector import (
    export_authors,
    find_architecture,
    load_detector,
    read_metadata,
    save_detector,
)
from sdd.errors import InputError
from tests.helpers.tiny_detectors import (
    PREFIX,
    assert_same,
    make,
)


def test_save_and_load(tmp_path, detector):
    path = tmp_path / "folder" / "model.safetensors"
    save_detector(detector, path, {"licence": "CC BY-NC-SA 4.0", "step": "20000"})
    loaded = load_detector(path)
    assert_same(loaded, detector)
    assert loaded.architecture == detector.architecture
    metadata = read_metadata(path)
    assert metadata["licence"] == "CC BY-NC-SA 4.0"
    assert find_architecture(json.loads(metadata["architecture"])) == detector.architecture
    assert [file.name for file in path.parent.iterdir()] == ["model.safetensors"]
    # A loaded detector trains, and saving it over the file that it is mapped from is safe.
    optimiser = torch.optim.SGD(loaded.parameters(), lr=0.1)
    loaded(torch.randn(2, 2000)).square().sum().backward()
    optimiser.step()
    save_detector(loaded, path)
    assert_same(load_detector(path), loaded)


def test_export_and_load(tmp_path, detector, variant):
    path = tmp_path / "out.ckpt"
    export_authors(detector, path)
    content = torch.load(path, weights_only=True)
    names = {name.removeprefix(PREFIX) for name in content}
    assert {"encoder.pos_conv.0.weight_g", "encoder.pos_conv.0.weight_v", "proj_fc.bias"} <= names
    assert content[f"{PREFIX}encoder.pos_conv.0.weight_g"].shape == (1, 1, 16)
    assert_same(load_detector(path, variant), detector)


def test_saving_is_deterministic(tmp_path):
    for name in ("a", "b"):
        save_detector(make(), tmp_path / f"{name}.safetensors", {"b": "1", "a": "2"})
    first, second = ((tmp_path / f"{name}.safetensors").read_bytes() for name in ("a", "b"))
    assert first == second


@pytest.mark.parametrize("name", ["model.pt", "model"])
def test_saving_needs_the_suffix(tmp_path, name):
    with pytest.raises(InputError, match=r"must end in \.safetensors"):
        save_detector(make(), tmp_path / name)


@pytest.mark.parametrize("metadata", [{"step": 3}, {"architecture": "{}"}])
def test_saving_needs_text(tmp_path, metadata):
    with pytest.raises(InputError, match="cannot be saved"):
        save_detector(make(), tmp_path / "a.safetensors", metadata)
    assert not list(tmp_path.iterdir())
