"""GPU memory that runs out, and activations that are computed again where it would."""

import logging
import re
import types

import pytest
import torch

from sdd.detector import find_architecture, save_detector
from sdd.errors import InputError
from sdd.runtime.machine import Machine
from sdd.training import finetuning
from sdd.training.finetuning import finetune
from sdd.training.gpu_memory import NOTE, StepMemory
from sdd.training.objective_kinds import objective_from_config
from sdd.training.policies import Policies
from sdd.training.recipe import Recipe
from tests.conftest import CONFIG, GRPO, RECIPE
from tests.helpers.runs import finetune_arguments

SAID = (
    "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 79.11 GiB of "
    "which 1.20 GiB is free. If reserved but unallocated memory is large try setting "
    "PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True to avoid fragmentation."
)
GIB = 2**30


@pytest.fixture
def start(tiny_detector, tmp_path):
    path = tmp_path / "start.safetensors"
    save_detector(tiny_detector, path, {})
    return path


def shortage_at(step, monkeypatch):
    """Have memory run out at a step; the steps before it cost nothing. Return their count."""
    steps = []

    def loss(policies, batch, generator):
        steps.append(1)
        if len(steps) == step:
            raise torch.OutOfMemoryError(SAID)
        return policies.policy.proj_fc.weight.square().sum(), {}

    monkeypatch.setattr(Policies, "loss", loss)
    return steps


@pytest.mark.parametrize(
    ("step", "kept"),
    [(1, "no state was saved before"), (500, r"the state of step 250 is kept in .*state")],
)
def test_memory_that_runs_out_is_one_error_with_remedies(
    tones, tmp_path, start, monkeypatch, step, kept
):
    recipe = {**RECIPE, "max_steps": step + 5, "validate_every": 250, "batch_seconds": 1.0}
    arguments = finetune_arguments(tones, tmp_path, start, GRPO, recipe=recipe)
    steps = shortage_at(step, monkeypatch)
    with pytest.raises(InputError) as caught:
        finetune(**arguments)
    words = str(caught.value)
    assert re.match(f"step {step}; {kept}: not enough GPU memory", words)
    assert "Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 79.11 GiB" in words
    assert "fragmentation" not in words
    for remedy in ("activation_checkpointing: true", "batch_seconds", "a GPU with more memory"):
        assert remedy in words
    assert isinstance(caught.value.__cause__, torch.OutOfMemoryError)
    state = tmp_path / "state/state.pt"
    assert state.exists() == (step > 1)
    before = state.read_bytes() if state.exists() else None

    # A retry of the same by the workflow ends at once with the same words, and takes no step.
    taken = len(steps)
    with pytest.raises(InputError) as again:
        finetune(**arguments, attempt=2)
    assert str(again.value) == words
    assert len(steps) == taken
    assert (state.read_bytes() if state.exists() else None) == before

    # Another run of the workflow tries, and goes on from the state.
    finetune(**arguments)
    assert len(steps) - taken == step + 5 - (250 if step > 1 else 0)
    assert not (tmp_path / "state").exists()


def test_a_job_that_already_computes_again_is_not_told_to(tones, tmp_path, start, monkeypatch):
    machine = Machine(device="cpu", checkpoint_activations=True)
    arguments = finetune_arguments(tones, tmp_path, start, GRPO, machine=machine)
    shortage_at(1, monkeypatch)
    with pytest.raises(InputError) as caught:
        finetune(**arguments)
    assert "activation_checkpointing" not in str(caught.value)
    assert (tmp_path / "state" / NOTE).read_text() == str(caught.value)


def test_a_gpu_too_small_for_the_policies_is_the_same_error(tones, tmp_path, start, monkeypatch):
    def too_large(*_, **__):
        raise torch.OutOfMemoryError(SAID)

    monkeypatch.setattr(finetuning, "Policies", too_large)
    with pytest.raises(InputError, match=r"^loading the policies: not enough GPU memory \(cpu\)"):
        finetune(**finetune_arguments(tones, tmp_path, start, GRPO))


# ------------------------------------------------------------------ activation_checkpointing: auto
def step_memory(model, algorithm, recipe, device="cuda"):
    recipe = Recipe.from_config(CONFIG["recipes"][recipe])
    needs = objective_from_config(CONFIG["objectives"][algorithm]).needs(recipe)
    return StepMemory(find_architecture(model), needs, recipe, torch.device(device), None)


def card(monkeypatch, gib):
    properties = types.SimpleNamespace(total_memory=gib * GIB)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: properties)


AUTO = Machine(checkpoint_activations="auto")


@pytest.mark.parametrize(
    ("model", "algorithm", "recipe", "gib", "on"),
    [
        ("xlsr_2b", "grpo", "as_written", 79.1, False),  # 58.7 of 84.9 GB
        ("xlsr_2b", "grpo", "as_released", 79.1, True),  # 77.7
        ("xlsr_2b", "grpo_s", "as_released", 79.1, False),  # 69.0
        ("xlsr_2b", "grpo", "as_released", 139.8, False),
        ("xlsr_2b", "sft", "as_written", 39.4, True),  # 49.9 of 42.3 GB
        ("mms_1b", "grpo", "as_written", 39.4, False),  # 31.5
        ("mms_1b", "grpo", "as_released", 39.4, True),  # 43.7
        ("mms_300m", "grpo", "as_released", 23.6, False),  # 18.9 of 25.3 GB
        ("mms_1b", "sft", "as_written", 23.6, True),  # 27.6
    ],
)
def test_auto_computes_again_where_a_step_would_not_fit(
    model, algorithm, recipe, gib, on, monkeypatch, caplog
):
    card(monkeypatch, gib)
    with caplog.at_level(logging.INFO):
        assert step_memory(model, algorithm, recipe).recomputes(AUTO) == on
    assert ("activation checkpointing is on" in caplog.text) == on


def test_the_log_says_what_a_step_needs(monkeypatch, caplog):
    card(monkeypatch, 79.1)
    with caplog.at_level(logging.INFO):
        step_memory("xlsr_2b", "grpo", "as_released").recomputes(AUTO)
    assert "needs 77.4 GB without it" in caplog.text
    assert "the GPU's 84.9 GB, and 57.4 GB with it" in caplog.text


def test_what_was_set_is_done_and_not_logged(monkeypatch, caplog):
    card(monkeypatch, 8)
    memory = step_memory("xlsr_2b", "grpo", "as_released")
    for setting in (True, False):
        assert memory.recomputes(Machine(checkpoint_activations=setting)) == setting
    on_the_cpu = step_memory("xlsr_2b", "grpo", "as_released", device="cpu")
    assert not on_the_cpu.recomputes(AUTO)
    assert caplog.text == ""


def test_the_detector_computes_again_as_was_chosen(tones, tmp_path, start, monkeypatch):
    monkeypatch.setattr(StepMemory, "recomputes", lambda *_: True)
    seen = []
    run = finetuning.Trainer.run

    def noting(trainer, stop):
        seen.append(trainer.policies.policy.checkpoint_activations)
        return run(trainer, stop)

    monkeypatch.setattr(finetuning.Trainer, "run", noting)
    finetune(**finetune_arguments(tones, tmp_path, start, GRPO, machine=Machine(device="cpu")))
    assert seen == [True]
