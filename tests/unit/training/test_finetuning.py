import csv
import json

import pytest
import torch
from safetensors.torch import load_file

from sdd.detector import load_detector, read_metadata, save_detector
from sdd.detector.checkpoints.conversion import convert_checkpoint, save_encoder
from sdd.errors import InputError
from sdd.training.finetuning import finetune, starting_detector
from sdd.training.state import HISTORY
from tests.conftest import GRPO, TINY
from tests.helpers.runs import finetune_arguments


def arguments(tones, folder, start, objective=GRPO, **changes):
    return finetune_arguments(tones, folder, start, objective, **changes)


@pytest.fixture
def start(tiny_detector, tmp_path):
    path = tmp_path / "start.safetensors"
    save_detector(tiny_detector, path, {"licence": "CC BY-NC-SA 4.0", "source": "there"})
    return path


def test_a_cell_leaves_model_and_history_and_no_state(tones, tmp_path, start):
    before = start.read_bytes()
    finetune(**arguments(tones, tmp_path, start))
    assert start.read_bytes() == before
    assert not (tmp_path / "state").exists()
    with (tmp_path / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(HISTORY)
    assert [int(row["step"]) for row in rows] == list(range(1, 13))
    validated = {int(row["step"]): row["validation_eer"] for row in rows if row["validation_eer"]}
    assert sorted(validated) == [5, 10, 12]
    metadata = read_metadata(tmp_path / "model.safetensors")
    assert metadata["licence"] == "CC BY-NC-SA 4.0"
    assert metadata["source"] == "there"
    assert json.loads(metadata["objective"]) == GRPO
    best = int(metadata["best_step"])
    assert float(validated[best]) == min(map(float, validated.values()))
    model = load_detector(tmp_path / "model.safetensors", TINY).state_dict()
    assert any(not torch.equal(model[name], load_file(start)[name]) for name in model)


def test_a_new_back_end_comes_from_the_seed(tiny_detector, tmp_path):
    path = tmp_path / "pre.safetensors"
    save_encoder(tiny_detector, path, {})
    one, again, other = (
        starting_detector(path, TINY, new_back_end=True, seed=seed).state_dict()
        for seed in (1, 1, 2)
    )
    assert torch.equal(one["proj_fc.weight"], again["proj_fc.weight"])
    assert not torch.equal(one["proj_fc.weight"], other["proj_fc.weight"])
    for name, value in tiny_detector.state_dict().items():
        if not name.startswith("proj_fc"):
            assert torch.equal(one[name], value), name
    with pytest.raises(InputError, match="pre-trained encoder"):
        starting_detector(path, TINY, new_back_end=False, seed=1)


def test_the_reference_may_be_the_checkpoint(tones, tmp_path, start, tiny_detector):
    """With a strong penalty, a run is held near the reference that it is given."""
    far = tmp_path / "far.safetensors"
    with torch.no_grad():
        tiny_detector.proj_fc.bias += torch.tensor([3.0, -3.0])
    save_detector(tiny_detector, far)
    objective = {**GRPO, "beta": 1.0}
    penalties = {}
    for name, is_reference in (("start", False), ("checkpoint", True)):
        folder = tmp_path / name
        finetune(
            **arguments(
                tones,
                folder,
                start,
                checkpoint=far,
                objective=objective,
                checkpoint_is_reference=is_reference,
            )
        )
        with (folder / "history.csv").open() as file:
            penalties[name] = float(next(csv.DictReader(file))["kl"])
    assert penalties["start"] < 0.1
    assert penalties["checkpoint"] > 1


def test_checkpoints_are_converted_strictly(tiny_detector, tmp_path):
    source = tmp_path / "theirs.ckpt"
    torch.save(tiny_detector.state_dict(), source)
    convert_checkpoint(
        source, tmp_path / "post.safetensors", TINY, encoder_only=False, metadata={"source": "x"}
    )
    ours = load_file(tmp_path / "post.safetensors")
    for name, value in tiny_detector.state_dict().items():
        assert torch.equal(ours[name], value), name
    assert read_metadata(tmp_path / "post.safetensors")["source"] == "x"
    convert_checkpoint(source, tmp_path / "pre.safetensors", TINY, encoder_only=True, metadata={})
    assert set(load_file(tmp_path / "pre.safetensors")) == {
        name for name in tiny_detector.state_dict() if not name.startswith("proj_fc")
    }
    torch.save({**tiny_detector.state_dict(), "stranger": torch.ones(1)}, source)
    with pytest.raises(InputError, match="stranger"):
        convert_checkpoint(
            source, tmp_path / "bad.safetensors", TINY, encoder_only=False, metadata={}
        )
    assert not (tmp_path / "bad.safetensors").exists()
