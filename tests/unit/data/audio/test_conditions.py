"""Conditions to the sample: level, noise, band, and their order."""

import numpy as np
import pytest
import torch
import torchaudio.functional
from hypothesis import given, settings
from hypothesis import strategies as st

from sdd.data.audio.coding import transcoded
from sdd.data.audio.conditions import Condition, amplified, band_limited, with_white_noise
from sdd.data.audio.flac_files import to_16_bits
from tests.helpers.lines import delay, snr, speech

NOISE = np.random.default_rng(0).uniform(-0.3, 0.3, 8_000).astype(np.float32)


def apply(config, samples=NOISE, name="a"):
    return Condition.from_config(config).apply(samples, name)


@pytest.mark.parametrize(("gain", "factor"), [(0, 1), (-20, 0.1), (20, 10), (6.0206, 2.0000)])
def test_gain_is_exact(gain, factor):
    np.testing.assert_allclose(apply({"gain": gain})[0], NOISE * factor, rtol=1e-6, atol=0)
    if factor == 0.1:
        # In the steps of 16 bits that are stored.
        steps = np.rint(NOISE.astype(np.float64) * 3_276.8)
        stored = to_16_bits(apply({"gain": gain})[0])[0]
        assert np.abs(stored - steps).max() <= 1  # float32 decides between two, where it is half
        assert np.mean(stored == steps) > 0.999


@settings(max_examples=30)
@given(st.integers(1, 3_000), st.floats(-40, 90), st.floats(-60, 0), st.text(max_size=8))
def test_snr_is_what_was_asked_for(length, asked, level, name):
    sent = amplified(NOISE[:length], level)
    received = with_white_noise(sent, asked, name)
    assert received.shape == sent.shape
    # Where float32 has no digits left for the noise, it is no longer measured to a hundredth.
    if asked < 60:
        assert snr(sent, received) == pytest.approx(asked, abs=0.01)


def test_noise_is_white_and_of_the_segment_s_name():
    noise = with_white_noise(NOISE, 0, "b") - NOISE
    spectrum = np.abs(np.fft.rfft(noise)) ** 2
    quarters = [part.mean() for part in np.array_split(spectrum[1:], 4)]
    assert max(quarters) / min(quarters) < 1.25
    assert abs(np.mean((noise / noise.std()) ** 4) - 3) < 0.3  # Gaussian
    np.testing.assert_array_equal(with_white_noise(NOISE, 0, "b") - NOISE, noise)
    other = with_white_noise(NOISE, 0, "c") - NOISE
    assert abs(np.corrcoef(noise, other)[0, 1]) < 0.05
    # The same noise, weaker.
    weaker = with_white_noise(NOISE, 20, "b") - NOISE
    np.testing.assert_allclose(weaker, noise / 10, rtol=0, atol=1e-6)


def test_silence_stays_silent():
    silence = np.zeros(100, np.float32)
    everything = {"gain": 6, "noise": "white", "snr": 3, "resample": 8000}
    received, clipped = apply(everything, silence)
    assert not received.any()
    assert clipped == 0


@pytest.mark.parametrize("rate", [4_000, 8_000, 11_025])
@pytest.mark.parametrize("length", [400, 7_999, 8_000])
def test_band_is_torchaudio_s_resampling_there_and_back(rate, length):
    resample = torchaudio.functional.resample
    there = resample(torch.from_numpy(NOISE[:length]), 16_000, rate)
    expected = resample(there, rate, 16_000).numpy()
    received, _ = apply({"resample": rate}, NOISE[:length])
    assert received.shape == (length,)
    assert len(expected) >= length
    np.testing.assert_allclose(received, expected[:length], rtol=0, atol=1e-6)


def test_band_is_gone_and_time_is_kept():
    received = band_limited(speech(), 8_000)
    assert delay(speech(), received) == 0
    spectrum = np.abs(np.fft.rfft(received)) ** 2
    half = len(spectrum) // 2
    assert spectrum[half + len(spectrum) // 20 :].sum() / spectrum.sum() < 1e-4


def test_steps_come_in_the_order_of_a_line_whatever_the_config_s():
    config = {
        "codec": "mulaw",
        "resample": 6_000,
        "snr": 15,
        "noise": "white",
        "gain": -10,
    }
    step = band_limited(with_white_noise(amplified(NOISE, -10), 15, "a"), 6_000)
    expected, clipped = transcoded(step, "mulaw")
    for order in (config, dict(reversed(config.items()))):
        received, found = apply(order)
        np.testing.assert_array_equal(received, expected)
        assert found == clipped == 0


def test_what_is_beyond_full_scale_is_left_to_the_caller_but_for_a_codec():
    received, clipped = apply({"gain": 20})
    assert (np.abs(received).max() > 2.9, clipped) == (True, 0)
    received, clipped = apply({"gain": 20, "codec": "g722"})
    assert clipped == np.count_nonzero(
        (NOISE * np.float32(10) * 32_768 >= 32_767.5)
        | (NOISE * np.float32(10) * 32_768 < -32_768.5)
    )
