"""Trivial features: of tones, noise, pauses and clipped samples that are known."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import welch

from sdd.data import trivial_features
from sdd.data.audio.prepared import read_segment
from sdd.data.segments import Segments
from sdd.data.trivial_features import (
    clipping,
    duration,
    features,
    features_of_segments,
    level,
    pauses,
    spectrum,
)
from sdd.errors import InputError

NOISE = (0.1 * np.random.default_rng(0).standard_normal(48_000)).astype(np.float32)


def tone(hertz: float, amplitude: float = 0.5, samples: int = 16_000) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(samples) / 16_000)).astype(np.float32)


def band_of(hertz: float) -> str:
    """Name the band by its definition: 32 of equal width in mel."""
    mel = [2595 * np.log10(1 + f / 700) for f in (hertz, 8000)]
    return f"band_{1 + int(32 * mel[0] / mel[1]):02d}"


def test_levels_of_a_tone() -> None:
    found = level(tone(1000))
    assert found["rms_db"] == pytest.approx(10 * np.log10(0.125), abs=1e-3)  # amplitude 1/2
    assert found["peak_db"] == pytest.approx(20 * np.log10(0.5), abs=1e-3)
    assert found["background_db"] == pytest.approx(found["rms_db"], abs=0.1)  # a steady sound
    assert found["offset_db"] == pytest.approx(-120)
    assert level(tone(1000) + np.float32(0.01))["offset_db"] == pytest.approx(-40, abs=1e-3)
    assert level(np.zeros(400, np.float32)) == dict.fromkeys(found, -120.0)


def test_the_spectrum_of_one_tone_and_of_two() -> None:
    for hertz in (1000, 1500, 6000):
        found = spectrum(tone(hertz))
        assert found.pop(band_of(hertz)) == pytest.approx(0, abs=0.01)
        assert max(found.values()) < -25
    found = spectrum(tone(1000) + tone(4000))
    for hertz in (1000, 4000):
        assert found[band_of(hertz)] == pytest.approx(10 * np.log10(0.5), abs=0.01)


def test_the_spectrum_is_that_of_scipy_whatever_the_level() -> None:
    _, density = welch(NOISE, window=np.hanning(512), noverlap=256, detrend=False)
    density[1:-1] /= 2  # one-sided
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 33) / 2595) - 1)
    bins = np.arange(257) * 31.25
    shares = [
        density[(low <= bins) & ((bins < high) | (high > 7999.9))].sum()
        for low, high in pairwise(edges)
    ]
    expected = 10 * np.log10(shares / density.sum())
    assert list(spectrum(NOISE).values()) == pytest.approx(expected, abs=1e-3)
    assert list(spectrum(NOISE / 10).values()) == pytest.approx(expected, abs=1e-3)


def test_a_long_spectrum_is_summed_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = spectrum(NOISE)
    monkeypatch.setattr(trivial_features, "PIECE", 7)
    assert spectrum(NOISE) == pytest.approx(whole, abs=1e-9)


def test_pauses_are_where_they_were_put() -> None:
    def quiet(samples: int) -> np.ndarray:
        return np.zeros(samples, np.float32)

    said = tone(1000, samples=16_384)
    samples = np.concatenate([quiet(8192), said, quiet(4096), said, quiet(5120)])
    found = pauses(samples)
    # Frames of 512 samples that lie in a pause whole, every 256: (n - 512) / 256 + 1.
    assert found["leading_pause"] == pytest.approx(31 * 0.016)
    assert found["longest_pause"] == pytest.approx(15 * 0.016)
    assert found["trailing_pause"] == pytest.approx(19 * 0.016)
    assert found["pause_share"] == pytest.approx((31 + 15 + 19) / 195)
    assert found["pauses_a_second"] == pytest.approx(16_000 / 50_176)
    # 39 dB below what is said is none, 41 dB is one, whatever the level.
    for decibels, leading in ((-39, 0), (-41, 31 * 0.016)):
        faint = tone(1000, 0.5 * 10 ** (decibels / 20), 8192)
        found = pauses(0.1 * np.concatenate([faint, said]))
        assert found["leading_pause"] == pytest.approx(leading)


def test_silence_is_one_pause() -> None:
    found = pauses(np.zeros(16_000, np.float32))
    assert found["pause_share"] == 1
    assert found["leading_pause"] == pytest.approx(61 * 0.016)
    assert found["trailing_pause"] == found["longest_pause"] == found["pauses_a_second"] == 0


def test_the_share_of_clipped_samples() -> None:
    samples = np.clip(NOISE[:1000], -0.3, 0.3)
    samples[:20], samples[20:30] = 32767 / 32768, -1
    assert clipping(samples)["full_scale_share"] == pytest.approx(np.log10(0.03))
    assert clipping(samples)["peak_share"] == pytest.approx(np.log10(0.03))
    # Clipped, and made softer afterwards.
    assert clipping(samples / 2)["full_scale_share"] == -6
    assert clipping(samples / 2)["peak_share"] == pytest.approx(np.log10(0.03))
    assert clipping(np.zeros(400, np.float32))["peak_share"] == -6


def test_the_duration_is_in_seconds() -> None:
    assert duration(NOISE) == {"log_seconds": pytest.approx(np.log(3))}


@given(st.integers(1, 2000), st.floats(0, 1, width=32), st.integers(0, 9))
def test_features_are_finite_whatever_is_heard(samples: int, amplitude: float, seed: int) -> None:
    noise = np.random.default_rng(seed).uniform(-amplitude, amplitude, samples)
    found = features(noise.astype(np.float32))
    assert len(found) == 44
    assert np.isfinite(list(found.values())).all()
    assert {name.split(".")[0] for name in found} == set(trivial_features.GROUPS)


def test_features_of_segments_are_in_the_order_of_the_table(tmp_path: Path) -> None:
    for name, samples in (("a", NOISE), ("b", tone(500))):
        soundfile.write(tmp_path / f"{name}.flac", samples, 16_000)
    text = ["x"] * 3
    start, end = np.array([16_000, 0, 0]), np.array([48_000, 8000, 16_000])
    files = ["a.flac", "b.flac", "a.flac"]
    table = Segments(["s1", "s2", "s3"], text, text, text, text, text, files, start, end)
    found = features_of_segments(table, tmp_path, workers=2)
    for row, file in enumerate(files):
        samples = read_segment(tmp_path / file, int(start[row]), int(end[row]))
        expected = features(samples)
        assert {name: values[row] for name, values in found.items()} == expected
    (tmp_path / "b.flac").unlink()
    with pytest.raises(InputError, match=r"b\.flac cannot be read"):
        features_of_segments(table, tmp_path)
