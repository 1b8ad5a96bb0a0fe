import csv

import numpy as np
import pytest
import torch
import torchaudio
from safetensors.torch import load_file

from sdd.detector import load_pretrained
from sdd.runtime.machine import Machine
from sdd.training.pretraining import LogMel, Pretraining, pretrain, span_mask
from tests.conftest import TINY


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


@pytest.fixture
def pretrained(tones, tmp_path):
    segments, folder = tones

    def make(name, steps=30, seed=1):
        settings = Pretraining(
            architecture=TINY,
            seed=seed,
            steps=steps,
            batch_seconds=4.0,
            crop_seconds=0.6,
            learning_rate=5e-3,
            mask_probability=0.5,
            mask_frames=4,
        )
        pretrain(
            settings,
            segments,
            folder,
            model=tmp_path / f"{name}.safetensors",
            history=tmp_path / f"{name}.csv",
            machine=Machine(device="cpu"),
        )
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


def test_pretraining_is_repeatable_and_follows_the_seed(pretrained):
    one, other, third = (
        pretrained(name, steps=3, seed=seed)[0].read_bytes()
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert one == other
    assert one != third
