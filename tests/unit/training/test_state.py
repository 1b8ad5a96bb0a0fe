"""A state on other devices than it was saved on, and on the disk before it has its name."""

import os
import types
from pathlib import Path

import pytest
import torch

from sdd.errors import InputError
from sdd.runtime.stopping import StopRequest
from sdd.training import optimiser
from sdd.training.optimiser import adamw, load_moments
from sdd.training.recipe import Recipe
from sdd.training.run_states import STATE, read_state
from sdd.training.state import Progress, load_state, save_state
from tests.conftest import GRPO, RECIPE
from tests.helpers.runs import StopAfter, make_trainer, same, weights


class Gpus:
    """Random generators of GPUs that are not there."""

    def __init__(self, monkeypatch, count):
        self.states = [torch.tensor([number], dtype=torch.uint8) for number in range(count)]
        monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: self.states[device.index])
        monkeypatch.setattr(torch.cuda, "set_rng_state", self.put)

    def put(self, state, device):
        self.states[device.index] = state


def parts_on(device, tones, tmp_path):
    """Return the parts of a trainer whose policies say that they are on a device."""
    trainer = make_trainer(tones, tmp_path, GRPO)
    said = types.SimpleNamespace(
        policy=types.SimpleNamespace(device=torch.device(device)),
        trained_state=trainer.policies.trained_state,
        load_trained_state=trainer.policies.load_trained_state,
    )
    return {"policies": said, "optimiser": trainer.optimiser, "sampler": trainer.sampler}


@pytest.mark.parametrize(("here", "there"), [(1, 0), (0, 1), (1, 1)])
def test_a_state_takes_its_generator_to_another_gpu(tones, tmp_path, monkeypatch, here, there):
    gpus = Gpus(monkeypatch, 2)
    parts = parts_on(f"cuda:{here}", tones, tmp_path)
    save_state(tmp_path / STATE, settings="{}", progress=Progress(codes=["this"]), **parts)
    gpus.states = [torch.tensor([9], dtype=torch.uint8) for _ in range(2)]
    parts = parts_on(f"cuda:{there}", tones, tmp_path)
    options = {"settings": "{}", "code": "this", "accept_other_code": False}
    load_state(tmp_path / STATE, **options, **parts)
    assert gpus.states[there].item() == here
    assert gpus.states[1 - there].item() == 9  # the other GPU is none of its business


def test_a_state_of_a_gpu_among_two_goes_on_where_there_is_one(tones, tmp_path, monkeypatch):
    Gpus(monkeypatch, 2)
    parts = parts_on("cuda:1", tones, tmp_path)
    save_state(tmp_path / STATE, settings="{}", progress=Progress(codes=["this"]), **parts)
    gpus = Gpus(monkeypatch, 1)
    options = {"settings": "{}", "code": "this", "accept_other_code": False}
    parts = parts_on("cuda:0", tones, tmp_path)
    load_state(tmp_path / STATE, **options, **parts)
    assert gpus.states[0].item() == 1
    parts = parts_on("cpu", tones, tmp_path)
    load_state(tmp_path / STATE, **options, **parts)


def test_a_state_is_mapped_and_nothing_of_the_file_is_kept(tones, tmp_path, monkeypatch):
    """It is replaced and deleted while the run goes on; NFS keeps a mapped file under a name."""
    first = make_trainer(tones, tmp_path, GRPO)
    first.run(StopAfter(first, 4))
    asked, load = [], torch.load
    monkeypatch.setattr(
        torch, "load", lambda *given, **options: asked.append(options) or load(*given, **options)
    )
    second = make_trainer(tones, tmp_path, GRPO)
    second.restore()
    assert [options["mmap"] for options in asked] == [True]
    with open("/proc/self/maps", encoding="utf-8") as maps:  # noqa: PTH123
        assert str(tmp_path / STATE) not in maps.read()
    assert second.run(StopRequest())


def test_a_state_is_on_the_disk_before_it_has_its_name(tones, tmp_path, monkeypatch):
    order = []
    fsync, replace = os.fsync, Path.replace

    def flushing(number):
        order.append(("flush", str(Path(f"/proc/self/fd/{number}").readlink())))
        return fsync(number)

    def renaming(path, target):
        order.append(("rename", str(path), str(target)))
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", flushing)
    monkeypatch.setattr(Path, "replace", renaming)
    trainer = make_trainer(tones, tmp_path, GRPO)
    trainer.run(StopAfter(trainer, 1))
    (_, flushed), (_, renamed, target) = order
    assert flushed == renamed
    assert target == str(tmp_path / STATE)


# ---------------------------------------------------------------------------------- the optimiser
def test_one_kernel_takes_the_step_on_a_gpu_alone(tones, tmp_path, monkeypatch, tiny_detector):
    recipe = Recipe.from_config(RECIPE)
    assert not adamw(tiny_detector, recipe).param_groups[0]["fused"]
    assert not optimiser.has_fused_step(torch.device("cpu"))
    assert optimiser.has_fused_step(torch.device("cuda:1"))
    monkeypatch.setattr(optimiser, "has_fused_step", lambda _: True)
    group = adamw(tiny_detector, recipe).param_groups[0]
    assert group["fused"]
    assert (group["weight_decay"], group["eps"]) == (recipe.weight_decay, recipe.adam_epsilon)


def test_moments_of_a_gpu_go_on_as_the_device_of_now_computes(tones, tmp_path, monkeypatch):
    first = make_trainer(tones, tmp_path / "one", GRPO)
    first.run(StopAfter(first, 3))
    saved = first.optimiser.state_dict()
    saved["param_groups"][0]["fused"] = True
    second = make_trainer(tones, tmp_path / "two", GRPO)
    load_moments(second.optimiser, saved)
    assert not second.optimiser.param_groups[0]["fused"]
    for ours, theirs in zip(
        second.optimiser.state.values(), first.optimiser.state.values(), strict=True
    ):
        assert same(ours, theirs)
        assert ours["exp_avg"] is not theirs["exp_avg"]


def test_an_old_policy_in_bf16_is_saved_so_and_comes_back(tones, tmp_path, monkeypatch):
    for module in ("sdd.runtime.devices", "sdd.training.policies"):
        monkeypatch.setattr(f"{module}.computes_in_bf16", lambda device, precision: True)
    ends = []
    for cut in (None, 5):
        trainer = make_trainer(tones, tmp_path / str(cut), GRPO, max_steps=8)
        if cut:
            trainer.run(StopAfter(trainer, cut))
            content = torch.load(tmp_path / str(cut) / STATE, weights_only=True)
            kinds = {weight.dtype for weight in content["policies"]["old"].values()}
            assert kinds == {torch.bfloat16, torch.float32}
            trainer = make_trainer(tones, tmp_path / str(cut), GRPO, max_steps=8)
            trainer.restore()
        assert trainer.run(StopRequest())
        ends.append(weights(trainer))
    assert same(*ends)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_damaged_state_is_told_without_the_advice_of_torch(tmp_path, share):
    path = tmp_path / STATE
    torch.save({"progress": {}, "policies": torch.ones(1000)}, path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match=r"it is damaged\..*delete it to start anew") as caught:
        read_state(path, mmap=True)
    assert str(caught.value).startswith(str(path))
    assert "weights_only" not in str(caught.value)
