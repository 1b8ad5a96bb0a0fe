"""RawBoost against a direct implementation written from its description (Tak et al. 2022)."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal
from scipy.stats import ks_2samp

from sdd.data.rawboost import (
    DEFAULT_SETTINGS,
    RawBoostSettings,
    band_stop_filters,
    multi_notch_filters,
    rawboost,
)
from tests.helpers.direct_rawboost import (
    RATE,
    Notches,
    direct_convolutive,
    direct_filter,
    direct_impulsive,
    direct_rawboost,
    direct_stationary,
)


# -------------------------------------------------------------------------------------- material
def speech_like(samples=RATE, seed=0, peak=0.9):
    """Harmonics of a gliding tone with a changing level, over some noise; zero mean."""
    generator = np.random.default_rng(seed)
    time = np.arange(samples) / RATE
    phase = 2 * np.pi * (120 * time + 15 * np.sin(2 * np.pi * 0.7 * time))
    voiced = sum(np.sin(k * phase) / k for k in range(1, 30))
    wave = voiced * (1.2 + np.sin(2 * np.pi * 3 * time)) + 0.05 * generator.standard_normal(samples)
    wave -= wave.mean() * (samples > 1)
    return (peak * wave / np.abs(wave).max()).astype(np.float32)


def replayed_notches(generator, gains_db):
    """Draw filters in the order of `multi_notch_filters`."""
    shape = (len(gains_db), 5)
    centres = generator.uniform(20, 8000, size=shape)
    widths = generator.uniform(100, 1000, size=shape)
    taps = generator.uniform(10, 100, size=shape).astype(int)
    taps = np.where(taps % 2 == 0, taps + 1, taps)
    return [Notches(*values) for values in zip(centres, widths, taps, gains_db, strict=True)]


# ---------------------------------------------------------------------------- value for value
def test_band_stops_equal_firwin():
    generator = np.random.default_rng(0)
    taps = generator.integers(5, 50, size=(20, 3)) * 2 + 1
    low = generator.uniform(1e-3, 7000, size=taps.shape)
    high = low + generator.uniform(50, 999, size=taps.shape)
    low[0], high[0] = 1e-3, generator.uniform(50, 1000, size=3)
    high[1] = RATE / 2 - 1e-3
    designs = band_stop_filters(taps, low, high, RATE)
    assert designs.shape == (20, 3, taps.max())
    for place in np.ndindex(taps.shape):
        wanted = signal.firwin(taps[place], [low[place], high[place]], window="hamming", fs=RATE)
        # Unit gain at DC makes a filter that stops nearly everything huge.
        tolerance = 1e-12 * max(1.0, np.abs(wanted).max())
        np.testing.assert_allclose(designs[place][: taps[place]], wanted, rtol=0, atol=tolerance)
        assert not designs[place][taps[place] :].any()


def test_multi_notch_filters_equal_the_direct_ones():
    gains = np.array([0.0, -5.0, -20.0, 3.0])
    filters, lengths = multi_notch_filters(gains, np.random.default_rng(1), DEFAULT_SETTINGS, RATE)
    replayed = replayed_notches(np.random.default_rng(1), gains)
    for taps, length, notches in zip(filters, lengths, replayed, strict=True):
        wanted = direct_filter(notches)
        assert length == len(wanted)
        assert length % 2 == 1
        np.testing.assert_allclose(taps[:length], wanted, rtol=0, atol=1e-12)
        assert not taps[length:].any()
        _, response = signal.freqz(taps, 1)
        assert 20 * np.log10(np.abs(response).max()) == pytest.approx(notches.gain_db, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("samples", [1, 50, 333, 20_000])
def test_convolutive_equals_the_direct_one(samples, seed):
    wave = speech_like(samples, peak=0.9 + 0.3 * (seed % 2))  # with and without a peak above 1
    generator = np.random.default_rng(seed)
    generator.uniform(size=1)  # the first order's gain: 0 dB whatever is drawn
    gains = np.array([0.0, *generator.uniform(-20, -5, size=4)])
    filters = [direct_filter(notches) for notches in replayed_notches(generator, gains)]
    wanted = direct_convolutive(wave.astype(np.float64), filters)
    found = rawboost(wave, 1, np.random.default_rng(seed))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-6)


@pytest.mark.parametrize("seed", range(5))
def test_impulsive_equals_the_direct_one(seed):
    wave = speech_like(5000, peak=0.6 + 0.2 * seed)
    generator = np.random.default_rng(seed)
    count = int(5000 * generator.uniform(0, 10) / 100)
    places = generator.choice(5000, size=count, replace=False, shuffle=False)
    u, v = generator.uniform(-1, 1, size=(2, count))
    wanted = direct_impulsive(wave.astype(np.float64), places, u * v)
    np.testing.assert_allclose(
        rawboost(wave, 2, np.random.default_rng(seed)), wanted, rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("seed", range(5))
def test_stationary_equals_the_direct_one(seed):
    wave = speech_like(5000)
    generator = np.random.default_rng(seed)
    noise = generator.standard_normal((1, 5000), dtype=np.float32)[0]
    generator.uniform(size=1)
    taps = direct_filter(*replayed_notches(generator, [0.0]))
    snr_db = generator.uniform(10, 40)
    wanted = direct_stationary(wave.astype(np.float64), noise, taps, snr_db)
    np.testing.assert_allclose(
        rawboost(wave, 3, np.random.default_rng(seed)), wanted, rtol=0, atol=1e-5
    )


@pytest.mark.parametrize(("algorithm", "series"), [(4, (1, 2, 3)), (5, (1, 2))])
def test_combinations_are_series(algorithm, series):
    wave = speech_like(3000)
    generator = np.random.default_rng(7)
    wanted = wave
    for step in series:
        wanted = rawboost(wanted, step, generator)
    np.testing.assert_array_equal(rawboost(wave, algorithm, np.random.default_rng(7)), wanted)


# ------------------------------------------------------------------------------------ statistics
def band_levels(waves):
    """Mean over waves of the level in 8 bands, in dB relative to the wave's own level."""
    spectra = np.abs(np.fft.rfft(waves, axis=1)) ** 2
    shares = np.stack([part.sum(1) for part in np.array_split(spectra, 8, axis=1)], axis=1)
    return 10 * np.log10(shares / spectra.sum(1, keepdims=True))


@pytest.mark.parametrize("algorithm", [1, 2, 3, 4, 5])
def test_statistics_agree_with_the_direct_implementation(algorithm):
    """Distributions of spectrum, level, change, number of changed samples and peak."""
    wave = speech_like(4000, seed=3)
    ours, theirs = np.random.default_rng(100), np.random.default_rng(200)
    count = 200
    found = np.stack([rawboost(wave, algorithm, ours) for _ in range(count)]).astype(np.float64)
    wanted = np.stack(
        [direct_rawboost(wave.astype(np.float64), algorithm, theirs) for _ in range(count)]
    )

    def features(waves):
        level = 10 * np.log10((waves**2).mean(1))
        change = 10 * np.log10(((waves - wave) ** 2).mean(1) + 1e-9)
        changed = (np.abs(waves - wave) > 1e-5).mean(1)
        peak = np.abs(waves).max(1)
        # float32 and float64 differ in the last places, which must not break ties.
        return np.column_stack([band_levels(waves), level, change, changed, peak]).round(5)

    for one, other in zip(features(found).T, features(wanted).T, strict=True):
        assert ks_2samp(one, other).pvalue > 1e-3


def test_impulse_statistics():
    """Share uniform in 0..10 %, factor 2 u v: mean 0, variance 4/9, never beyond 2."""
    wave = np.full(20_000, 0.25, dtype=np.float32)
    generator = np.random.default_rng(0)
    outputs = np.stack([rawboost(wave, 2, generator) for _ in range(300)])
    factors = outputs.astype(np.float64) / 0.25 - 1
    share = (factors != 0).mean(1)
    assert share.max() <= 0.1
    assert share.mean() == pytest.approx(0.05, abs=4 * 0.1 / np.sqrt(12 * 300))
    impulses = factors[factors != 0]
    assert np.abs(impulses).max() <= 2 + 1e-6
    assert impulses.mean() == pytest.approx(0, abs=4 * (2 / 3) / np.sqrt(impulses.size))
    assert impulses.var() == pytest.approx(4 / 9, rel=0.02)
    # Every place is equally likely.
    halves = (factors != 0).reshape(300, 2, -1).sum((0, 2))
    assert abs(halves[0] - halves[1]) < 4 * np.sqrt(halves.sum())


def test_stationary_noise_has_the_drawn_levels():
    wave = speech_like(4000)
    generator = np.random.default_rng(0)
    snr = []
    for _ in range(300):
        noise = rawboost(wave, 3, generator).astype(np.float64) - wave
        snr.append(20 * np.log10(np.linalg.norm(wave) / np.linalg.norm(noise)))
    assert min(snr) >= 10 - 1e-3
    assert max(snr) <= 40 + 1e-3
    assert np.mean(snr) == pytest.approx(25, abs=4 * 30 / np.sqrt(12 * 300))


# ------------------------------------------------------------------------------------ properties
@settings(max_examples=60, deadline=None)
@given(
    samples=st.integers(1, 3000),
    algorithm=st.integers(0, 5),
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from([0.0, 1e-6, 0.5, 1.0, 3.0]),
)
def test_output_is_finite_and_as_long_and_repeatable(samples, algorithm, seed, scale):
    wave = speech_like(samples, seed=1)
    wave *= np.float32(scale)
    before = wave.copy()
    found = rawboost(wave, algorithm, np.random.default_rng(seed))
    assert found.shape == wave.shape
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(wave, before)  # the input is not written to
    np.testing.assert_array_equal(found, rawboost(wave, algorithm, np.random.default_rng(seed)))
    if algorithm in (1, 2, 5):
        assert np.abs(found).max() <= 1 + 1e-6


def test_generator_states_differ():
    wave, generator = speech_like(2000), np.random.default_rng(0)
    for algorithm in (1, 2, 3, 4, 5):
        one, other = (rawboost(wave, algorithm, generator) for _ in range(2))
        assert not np.array_equal(one, other)


def test_algorithm_0_is_the_identity():
    wave, generator = speech_like(500), np.random.default_rng(0)
    np.testing.assert_array_equal(rawboost(wave, 0, generator), wave)
    assert generator.bit_generator.state == np.random.default_rng(0).bit_generator.state


def test_settings_are_followed():
    wave = speech_like(4000)
    off = RawBoostSettings(impulse_share_percent=(0, 0), snr_db=(20, 20), orders=1, notches=1)
    generator = np.random.default_rng(0)
    np.testing.assert_array_equal(rawboost(wave, 2, generator, settings=off), wave)
    noise = rawboost(wave, 3, generator, settings=off) - wave
    snr = 20 * np.log10(np.linalg.norm(wave) / np.linalg.norm(noise))
    assert snr == pytest.approx(20, abs=1e-3)
    louder = replace(off, gain_db=(-6, -6))
    one, other = (
        rawboost(0.1 * wave, 1, np.random.default_rng(1), settings=values)
        for values in (off, louder)
    )
    np.testing.assert_allclose(other, one * 10 ** (-6 / 20), atol=1e-6)
    # Long filters, beyond the usual 1024 points of the response.
    rawboost(wave, 1, generator, settings=replace(off, notches=5, taps=(400, 401)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"algorithm": 6}, "algorithm is one of .* not 6"),
        ({"waveform": np.zeros((2, 10), dtype=np.float32)}, "one non-empty channel"),
        ({"waveform": np.zeros(0, dtype=np.float32)}, "one non-empty channel"),
        ({"sample_rate": 8000}, "8000.0 Hz does not fit the sample rate 8000 Hz"),
    ],
)
def test_bad_arguments(arguments, message):
    arguments = {"waveform": speech_like(100), "algorithm": 5, **arguments}
    with pytest.raises(ValueError, match=message):
        rawboost(generator=np.random.default_rng(0), **arguments)


def test_import_is_light():
    code = "import sys, sdd.data.rawboost; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not {"torch", "scipy", "pandas"} & set(loaded.stdout.split())
