"""What trivial features could tell apart is made the same."""

import numpy as np
import pytest
import scipy.signal

from sdd.data.study.matching import (
    FADE,
    HOP,
    faded,
    finished,
    frame_levels,
    high_passed,
    match,
    shorten_pauses,
)
from sdd.data.trivial_features import level, pauses, spectrum

RATE = 16_000


def noise(seconds, seed=0, level_db=-20.0):
    generator = np.random.default_rng(seed)
    return 10 ** (level_db / 20) * generator.standard_normal(int(seconds * RATE))


def speechlike(seed, tilt, peaks):
    """Noise with a tilted spectrum, syllables, and more or less sharp peaks."""
    generator = np.random.default_rng(seed)
    wave = np.convolve(generator.standard_normal(2 * RATE), [1, tilt], "same")
    syllables = 0.05 + np.abs(np.sin(np.pi * 3.3 * np.arange(wave.size) / RATE)) ** peaks
    return 0.05 * wave * syllables


def test_pauses_within_and_around_speech():
    silence = np.zeros(RATE)
    said = np.concatenate([silence, noise(0.5), silence, noise(0.5, 1), silence[:1600], noise(0.3)])
    shortened = shorten_pauses(np.concatenate([said, silence]))
    # 1.3 s of speech, a pause of 0.15 s and one of 0.1 s, and 0.03 s on both sides; frames of 20 ms
    # count as speech where they begin in it.
    assert shortened.size / RATE == pytest.approx(1.3 + 0.15 + 0.1 + 0.06, abs=0.04)
    assert shorten_pauses(shortened).size == pytest.approx(shortened.size, abs=4 * HOP)


def test_speech_without_pauses_is_kept():
    wave = noise(1.0)
    assert wave.size - shorten_pauses(wave).size < 2 * HOP
    assert shorten_pauses(wave[:100]).size == 100


def test_clips_begin_and_end_within_5_ms():
    wave = faded(np.ones(RATE))
    assert wave[0] == wave[-1] == 0
    assert np.all(wave[FADE:-FADE] == 1)
    assert wave[FADE // 2] == pytest.approx(0.5)
    assert np.array_equal(wave, wave[::-1])


def test_hum_and_offset_are_taken_away():
    time = np.arange(RATE) / RATE
    hum, tone = np.sin(2 * np.pi * 50 * time), np.sin(2 * np.pi * 440 * time)
    rest = high_passed(0.2 + hum)[RATE // 2 :]
    assert np.sqrt(np.mean(rest**2)) < 0.05
    assert np.std(high_passed(tone)[RATE // 2 :]) == pytest.approx(np.std(tone), rel=0.02)


def test_levels_of_frames():
    assert frame_levels(np.full(1000, 0.1)) == pytest.approx(-20, abs=1e-3)
    assert frame_levels(np.zeros(319)).size == 0


def test_a_fake_is_matched_in_what_is_trivial():
    real, fake = speechlike(0, 0.9, 1), 10 * speechlike(1, -0.9, 4)
    matched = match(fake, real)
    before, after, wanted = (
        {**spectrum(wave.astype(np.float32)), **level(wave.astype(np.float32))}
        for wave in (fake, matched, real)
    )
    for name in ("rms_db", "peak_db", "background_db", "band_03", "band_15", "band_31"):
        assert after[name] == pytest.approx(wanted[name], abs=1.6), name
        assert abs(before[name] - wanted[name]) > 1.6, name
    assert matched.size == fake.size
    quantiles = [10, 50, 90]
    assert np.percentile(frame_levels(matched), quantiles) == pytest.approx(
        np.percentile(frame_levels(real), quantiles), abs=1.5
    )


def test_the_edge_of_a_codec_s_band_is_followed():
    real, fake = speechlike(0, 0.9, 1), speechlike(1, 0.5, 2)
    below_4_khz = scipy.signal.firwin(801, 4000, fs=RATE)
    real = 0.2 * real + 0.8 * scipy.signal.oaconvolve(real, below_4_khz, "same")  # by 14 dB
    powers = []
    for wave in (match(fake, real), real):
        frequency, power = scipy.signal.welch(wave, RATE, nperseg=1024)
        about = (frequency >= 3500) & (frequency < 4500)
        powers.append(10 * np.log10(power[about].reshape(-1, 8).mean(1)))  # bands of 125 Hz
    assert np.abs(powers[0] - powers[1]).max() < 4


def test_a_clip_that_is_finished_has_noise_and_a_level_of_its_range():
    levels, waves = [], []
    for seed in range(20):
        wave = finished(
            np.where(np.arange(RATE) < 8000, noise(1.0), 0), np.random.default_rng(seed)
        )
        waves.append(wave)
        levels.append(level(wave.astype(np.float32))["rms_db"])
    assert -30.1 < min(levels) < -27
    assert -23 < max(levels) < -19.9
    assert np.abs(waves).max() <= 0.98
    # The noise lies 20 to 30 dB below: nothing is a pause any more.
    assert all(pauses(wave.astype(np.float32))["pause_share"] < 0.04 for wave in waves)


def test_what_matching_leaves_below_the_high_pass_is_no_more_than_noise():
    time = np.arange(2 * RATE) / RATE
    wave = speechlike(0, 0.9, 1)
    bent = wave + 0.5 * wave.std() * (1 + np.sin(2 * np.pi * 20 * time))
    values = []
    for clip in (wave, bent):
        made = finished(clip, np.random.default_rng(3)).astype(np.float32)
        assert level(made)["offset_db"] < -70
        values.append(spectrum(made)["band_01"])
    assert values[0] == pytest.approx(values[1], abs=0.6)
