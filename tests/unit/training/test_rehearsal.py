"""The largest batch is tried ahead of the first step, and changes nothing."""

import numpy as np
import pytest
import torch

from sdd.detector import save_detector
from sdd.errors import InputError
from sdd.runtime.stopping import StopRequest
from sdd.training import finetuning, rehearsal
from sdd.training.finetuning import finetune
from sdd.training.policies import Policies
from sdd.training.rehearsal import largest_batch, rehearse
from sdd.training.state import HISTORY
from tests.conftest import GRPO
from tests.helpers.runs import StopAfter, finetune_arguments, make_trainer, same, weights

TIME = HISTORY.index("wall_time")


@pytest.mark.parametrize("objective", [{"kind": "sft"}, GRPO], ids=["sft", "grpo"])
@pytest.mark.parametrize("stopped", [0, 4])
def test_a_run_after_it_ends_in_the_same_weights(tones, tmp_path, objective, stopped):
    """Dropout, sampled labels and moments are as they would have been."""
    ends = []
    for name in ("plain", "rehearsed"):
        trainer = make_trainer(tones, tmp_path / name, objective)
        trainer.run(StopAfter(trainer, stopped))
        if name == "rehearsed":
            before = weights(trainer)
            rehearse(trainer)
            assert same(weights(trainer), before)
            assert all(weight.grad is None for weight in trainer.policies.policy.parameters())
            assert bool(trainer.optimiser.state) == (stopped > 0)
            assert trainer.progress.step == stopped
        assert trainer.run(StopRequest())
        rows = [row[:TIME] + row[TIME + 1 :] for row in map(list, trainer.progress.history)]
        ends.append((weights(trainer), rows))
    assert same(ends[0][0], ends[1][0])
    np.testing.assert_array_equal(ends[0][1], ends[1][1])


def test_it_takes_the_largest_batch_and_the_moments(tones, tmp_path, monkeypatch):
    crop = {"longer_than": 0.7, "shortest": 0.7, "longest": 0.7}
    trainer = make_trainer(tones, tmp_path, GRPO, crop=crop)
    batch = largest_batch(trainer)
    seconds = np.minimum(trainer.data.training.durations, 0.7)  # longer ones are cropped
    sizes = [len(rows) * seconds[rows].max() for rows in trainer.plan()]
    assert min(sizes) < max(sizes)
    assert batch.waveforms.numel() == pytest.approx(16_000 * max(sizes))
    assert (batch.waveforms.abs().sum(1) > 0).all()
    for row, length in zip(batch.waveforms, batch.lengths, strict=True):
        assert not row[length:].any()
    held = []
    loss = trainer.policies.loss

    def noting(given, generator):
        held.append(given.waveforms.shape)
        assert generator is not trainer.sampler
        return loss(given, generator)

    monkeypatch.setattr(trainer.policies, "loss", noting)
    moments = rehearsal._missing_moments(trainer)
    assert sum(m.numel() for m in moments) == 2 * sum(
        w.numel() for w in trainer.policies.policy.parameters()
    )
    rehearse(trainer)
    assert held == [batch.waveforms.shape]


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_memory_that_is_too_little_shows_ahead_of_the_first_step(
    tones, tmp_path, tiny_detector, device, monkeypatch
):
    """On a GPU alone; here a CPU says that it is one once the policies are made."""
    start = tmp_path / "start.safetensors"
    save_detector(tiny_detector, start, {})
    monkeypatch.setattr(finetuning, "choose_device", lambda _: FakeDevice(device))
    monkeypatch.setattr(finetuning, "_policies", policies_on_the_cpu(finetuning._policies))
    monkeypatch.setattr("sdd.training.gpu_memory.describe_device", lambda _: "a small GPU")
    monkeypatch.setattr(finetuning, "describe_device", lambda _: "a small GPU")

    def loss(policies, batch, generator):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.00 GiB.")

    monkeypatch.setattr(Policies, "loss", loss)
    with pytest.raises(InputError) as caught:
        finetune(**finetune_arguments(tones, tmp_path, start, GRPO, device=device))
    when = "ahead of the first step" if device == "cuda" else "step 1"
    assert str(caught.value).startswith(f"{when}; no state was saved before: not enough")


class FakeDevice:
    def __init__(self, kind):
        self.type = kind


def policies_on_the_cpu(load):
    return lambda stage, files, device, **options: load(
        stage, files, torch.device("cpu"), **options
    )
