import csv
import json
import os
import signal

import pytest
import torch
from safetensors.torch import load_file

from sdd.detector import load_detector, read_metadata, save_detector
from sdd.detector.checkpoints.conversion import convert_checkpoint, save_encoder
from sdd.errors import InputError
from sdd.runtime.stopping import STOPPED
from sdd.training import finetuning
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


# ------------------------------------------------------------------------- states of other code
def stopped_after(step, monkeypatch, arguments):
    """Fine-tune until a SIGTERM that comes in the middle of a step."""
    train_step = finetuning.Trainer.train_step

    def signalling(trainer, batch):
        if trainer.progress.step + 1 == step:
            os.kill(os.getpid(), signal.SIGTERM)
        return train_step(trainer, batch)

    with monkeypatch.context() as patch:
        patch.setattr(finetuning.Trainer, "train_step", signalling)
        with pytest.raises(SystemExit) as caught:
            finetune(**arguments)
    assert caught.value.code == STOPPED


def outcome(arguments):
    """Tensors, history without times, and metadata of a finished stage."""
    with arguments["files"].history.open() as file:
        rows = [{**row, "wall_time": ""} for row in csv.DictReader(file)]
    model = arguments["files"].model
    tensors = {name: value.numpy().tobytes() for name, value in load_file(model).items()}
    return tensors, rows, read_metadata(model)


def test_a_state_of_other_code_is_refused_and_kept(tones, tmp_path, start, monkeypatch):
    stopped_after(4, monkeypatch, arguments(tones, tmp_path, start, code="0ld"))
    path = tmp_path / "state/state.pt"
    before = path.read_bytes()
    words = (
        r"state/state\.pt was saved by other code \(digest 0ld there, n3w now\).*"
        r"`--config accept_state=true`.*delete it"
    )
    with pytest.raises(InputError, match=words):
        finetune(**arguments(tones, tmp_path, start, code="n3w"))
    assert path.read_bytes() == before
    finetune(**arguments(tones, tmp_path, start, code="0ld"))
    assert "codes" not in read_metadata(tmp_path / "model.safetensors")


def test_a_state_of_other_code_that_is_accepted_leaves_a_trace(
    tones, tmp_path, start, monkeypatch, caplog
):
    whole = arguments(tones, tmp_path / "whole", start, code="0ld")
    finetune(**whole)
    folder = tmp_path / "cut"
    stopped_after(4, monkeypatch, arguments(tones, folder, start, code="0ld"))
    later = arguments(tones, folder, start, code="n3w", accept_state=True)
    stopped_after(7, monkeypatch, later)
    assert "(digest 0ld there, n3w now); going on with it, as accept_state says" in caplog.text
    # The state is now one of the new code: another run goes on with it as with its own.
    caplog.clear()
    last = arguments(tones, folder, start, code="n3w")
    finetune(**last)
    assert "accept_state" not in caplog.text
    (tensors, history, metadata), (wanted, wanted_history, alone) = outcome(last), outcome(whole)
    assert tensors == wanted
    assert history == wanted_history
    assert metadata == {**alone, "codes": "0ld, n3w"}


def test_an_accepted_state_is_the_new_codes_at_once(tones, tmp_path, start, monkeypatch):
    """A kill before the first save does not bring the question up again."""
    stopped_after(4, monkeypatch, arguments(tones, tmp_path, start, code="0ld"))

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(finetuning.Trainer, "train_step", killed)
        with pytest.raises(KeyboardInterrupt):
            finetune(**arguments(tones, tmp_path, start, code="n3w", accept_state=True))
    finetune(**arguments(tones, tmp_path, start, code="n3w"))
    assert read_metadata(tmp_path / "model.safetensors")["codes"] == "0ld, n3w"


def test_a_state_of_before_digests_were_kept(tones, tmp_path, start, monkeypatch):
    stopped_after(4, monkeypatch, arguments(tones, tmp_path, start, code="0ld"))
    path = tmp_path / "state/state.pt"
    content = torch.load(path, weights_only=True)
    del content["progress"]["codes"]
    torch.save(content, path)
    with pytest.raises(InputError, match=r"digest unknown there, n3w now"):
        finetune(**arguments(tones, tmp_path, start, code="n3w"))
    finetune(**arguments(tones, tmp_path, start, code="n3w", accept_state=True))
    assert read_metadata(tmp_path / "model.safetensors")["codes"] == "unknown, n3w"
