import csv
import signal

import numpy as np
import pytest
import torch
import torchaudio
from safetensors.torch import load_file

from sdd.detector import load_pretrained
from sdd.runtime.machine import Machine
from sdd.runtime.stopping import SIGNALS, STOPPED
from sdd.training.pretraining import (
    LogMel,
    Pretraining,
    PretrainingFiles,
    PretrainingRun,
    pretrain,
    span_mask,
)
from tests.conftest import TINY
from tests.helpers.processes import (
    begin_session,
    fork_own_server,
    run_to_the_end,
    signal_session_at,
)


def test_masks_are_spans_of_valid_frames():
    generator = torch.Generator().manual_seed(0)
    lengths = torch.tensor([200, 50, 9])
    mask = span_mask(lengths, 200, 0.4, 8, generator)
    assert mask.shape == (3, 200)
    assert mask.any(dim=1).all()
    for row, length in zip(mask, lengths, strict=True):
        assert not row[length:].any()
    # Runs of masked frames are whole spans, unless the end of the utterance cuts them.
    edges = np.diff(np.concatenate([[0], mask[0].int().numpy(), [0]]))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    assert all(end - start >= 8 or end == 200 for start, end in zip(starts, ends, strict=True))


def test_the_expected_share_of_frames_is_masked():
    """A frame is free if none of the `span` starts that reach it happens: (1 - p/s)^s."""
    generator = torch.Generator().manual_seed(1)
    mask = span_mask(torch.full((400,), 500), 500, 0.4, 8, generator)
    expected = 1 - (1 - 0.4 / 8) ** 8
    # One span an utterance is added, so that none is left without: at most 8 of 500 frames.
    assert expected - 0.01 < mask.float().mean() < expected + 8 / 500 + 0.01


def test_targets_are_normalised_log_mel_spectra_of_the_valid_frames():
    generator = torch.Generator().manual_seed(2)
    waveforms = torch.randn(2, 16_000, generator=generator)
    waveforms[1, 8_000:] = 0
    lengths = torch.tensor([49, 24])
    targets = LogMel(320)(waveforms, lengths, 49)
    assert targets.shape == (2, 49, 40)
    for row, length in zip(targets, lengths, strict=True):
        torch.testing.assert_close(row[:length].mean(0), torch.zeros(40), atol=1e-4, rtol=0)
        torch.testing.assert_close(
            row[:length].std(0, correction=0), torch.ones(40), atol=1e-3, rtol=0
        )
        assert not row[length:].any()
    # Independently: frame n covers samples 320 n ... 320 n + 511 under a centred 400-tap window.
    frame = torch.nn.functional.pad(torch.hann_window(400), (56, 56)) * waveforms[0, 640:1152]
    power = torch.fft.rfft(frame).abs() ** 2
    bank = torchaudio.functional.melscale_fbanks(257, 0.0, 8000.0, 40, 16_000)
    spectra = LogMel(320).spectrum(waveforms)
    torch.testing.assert_close(spectra[0, :, 2], power @ bank, rtol=1e-3, atol=1e-4)


def pretraining_arguments(tones, folder, name, *, steps=30, seed=1, code="this", workers=0):
    segments, audio = tones
    return {
        "settings": Pretraining(
            architecture=TINY,
            seed=seed,
            steps=steps,
            batch_seconds=4.0,
            crop_seconds=0.6,
            learning_rate=5e-3,
            mask_probability=0.5,
            mask_frames=4,
        ),
        "table": segments,
        "audio_folder": audio,
        "files": PretrainingFiles(
            model=folder / f"{name}.safetensors",
            history=folder / f"{name}.csv",
            state=folder / "state" / name,
        ),
        "machine": Machine(device="cpu", workers=workers, save_minutes=60.0),
        "code": code,
    }


@pytest.fixture
def pretrained(tones, tmp_path):
    def make(name, **changes):
        pretrain(**pretraining_arguments(tones, tmp_path, name, **changes))
        with (tmp_path / f"{name}.csv").open() as file:
            losses = [float(row["loss"]) for row in csv.DictReader(file)]
        return tmp_path / f"{name}.safetensors", losses

    return make


def test_pretraining_learns_and_leaves_an_encoder_without_a_back_end(pretrained):
    path, losses = pretrained("one")
    assert len(losses) == 30
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
    assert all(name.startswith("m_ssl.model.") for name in load_file(path))
    detector = load_pretrained(path, TINY, seed=4)
    weights = load_file(path)
    for name, value in detector.state_dict().items():
        if not name.startswith("proj_fc"):
            assert torch.equal(value, weights[name]), name


def test_progress_is_logged(pretrained, caplog):
    with caplog.at_level("INFO"):
        _, losses = pretrained("one", steps=45)
    lines = [text for text in caplog.messages if "mean of 2 steps" in text]
    assert len(lines) == 22
    mean = (losses[42] + losses[43]) / 2
    assert lines[-1] == f"step 44 of 45: masked-frame loss {mean:.4g} (mean of 2 steps)"


def test_pretraining_is_repeatable_and_follows_the_seed(pretrained):
    one, other, third = (
        pretrained(name, steps=3, seed=seed)[0].read_bytes()
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert one == other
    assert one != third


def pretrain_and_be_signalled(arguments, step, number):
    """In a process: pre-train, and signal all of its session at a step."""
    begin_session()
    fork_own_server()
    signal_session_at(PretrainingRun, "step", step, number)
    pretrain(**arguments)


def test_a_warning_to_all_processes_loses_no_step(tones, tmp_path, pretrained):
    """Also across epochs, of a few steps each; a kill in between goes back to the last state."""
    whole, losses = pretrained("whole", steps=20)
    arguments = pretraining_arguments(tones, tmp_path, "cut", steps=20, workers=2)
    state = arguments["files"].state / "state.pt"
    taken = 0
    for step, number in zip((4, 1, 7), SIGNALS, strict=True):
        assert run_to_the_end(pretrain_and_be_signalled, arguments, step, number) == STOPPED
        taken += step
        assert len(torch.load(state, weights_only=True)["losses"]) == taken
        alone = arguments | {"machine": Machine(device="cpu", save_minutes=60.0)}
        killed = run_to_the_end(pretrain_and_be_signalled, alone, 2, signal.SIGKILL)
        assert killed == -signal.SIGKILL
        assert not arguments["files"].model.exists()
    pretrain(**arguments)
    assert arguments["files"].model.read_bytes() == whole.read_bytes()
    with arguments["files"].history.open() as file:
        assert [float(row["loss"]) for row in csv.DictReader(file)] == losses
    assert list(arguments["files"].state.parent.iterdir()) == []


@pytest.mark.parametrize("change", [{"code": "other"}, {"seed": 2}])
def test_a_state_of_something_else_is_not_gone_on_with(tones, tmp_path, caplog, change):
    arguments = pretraining_arguments(tones, tmp_path, "cut", steps=5)
    run_to_the_end(pretrain_and_be_signalled, arguments, 2, signal.SIGTERM)
    other = pretraining_arguments(tones, tmp_path, "cut", steps=5, **change)
    pretrain(**other)
    assert "starting anew" in caplog.text
    alone = pretraining_arguments(tones, tmp_path, "alone", steps=5, **change)
    pretrain(**alone)
    assert other["files"].model.read_bytes() == alone["files"].model.read_bytes()
