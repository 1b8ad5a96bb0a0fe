"""Toy speech: frames, voice, analysis, fakes, recording conditions."""

import numpy as np
import pytest

from sdd.data.toy.analysis import linear_prediction, pulse_train, track_f0
from sdd.data.toy.conditions import (
    Conditions,
    Recording,
    coloured_noise,
    draw_recording,
    record,
    room_response,
)
from sdd.data.toy.fakes import FAMILIES, make_fake, mel_filters
from sdd.data.toy.frames import (
    cut,
    filter_frames,
    hann,
    inverse_spectrum,
    overlap_add,
    rms,
    spectrum,
)
from sdd.data.toy.speech import synthesise
from sdd.data.toy.voice import (
    HOP,
    Speaker,
    Tracks,
    draw_speaker,
    frication_response,
    render,
    tract_response,
)
from sdd.errors import InputError

RATE = 16_000
SPEAKER = Speaker(
    f0=120, f0_range=1, tract_scale=1, breathiness=0, tilt=2000, open_quotient=0.6,
    jitter=0, shimmer=0, rate=1,
)  # fmt: skip


def vowel(f0: np.ndarray, formants=(700, 1200, 2500, 3500)) -> Tracks:
    zero = np.zeros(f0.size)
    return Tracks(
        f0=f0,
        formants=np.tile(np.array(formants, float), (f0.size, 1)),
        voicing=zero + 1,
        aspiration=zero,
        frication=zero,
        centre=zero + 4000,
        width=zero + 1000,
    )


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    generator = np.random.default_rng(3)
    return synthesise(draw_speaker(generator), 2.5, generator)


# Frames


@pytest.mark.parametrize("size", [160, 512])
def test_half_overlapping_hann_windows_add_up_to_one(size):
    total = overlap_add(np.tile(hann(size), (6, 1)), size // 2)
    np.testing.assert_allclose(total[size // 2 : -size // 2], 1, atol=1e-12)


def test_frames_are_centred_on_multiples_of_the_hop():
    wave = np.arange(1.0, 11.0)
    frames = cut(wave, 4, 3)
    np.testing.assert_array_equal(frames[0], [0, 0, 1, 2])
    np.testing.assert_array_equal(frames[1], [2, 3, 4, 5])
    assert frames.shape == (5, 4)


def test_short_time_spectrum_is_inverted_exactly():
    wave = np.random.default_rng(0).standard_normal(5003)
    np.testing.assert_allclose(
        inverse_spectrum(spectrum(wave, 512, 128), 128, 5003), wave, atol=1e-10
    )


def test_a_constant_response_filters_like_a_convolution():
    generator = np.random.default_rng(1)
    wave, kernel = generator.standard_normal(1000), generator.standard_normal(200)
    response = np.tile(np.fft.rfft(kernel, 512), (14, 1))
    expected = np.convolve(wave, kernel)[:1000]
    np.testing.assert_allclose(filter_frames(wave, response, 80), expected, atol=1e-9)


# Voice


def test_f0_of_a_vowel_is_its_contour():
    contour = 110 + 50 * np.linspace(0, 1, 301)  # 1.5 s
    wave = render(vowel(contour), SPEAKER, 300 * HOP, np.random.default_rng(0))
    tracked, voiced = track_f0(wave)
    inner = slice(5, 145)
    assert voiced[inner].all()
    np.testing.assert_allclose(tracked[inner], contour[::2][inner], rtol=0.02)


def test_resonances_of_a_vowel_are_its_formants():
    formants = (500, 1500, 2500, 3500)
    wave = render(
        vowel(np.full(201, 100.0), formants), SPEAKER, 200 * HOP, np.random.default_rng(0)
    )
    polynomial, _ = linear_prediction(np.append(wave[0], np.diff(wave)), order=18)
    roots = np.roots(polynomial[50])
    narrow = roots[(roots.imag > 0) & (np.abs(roots) > 0.9)]
    found = np.sort(np.angle(narrow)) * RATE / (2 * np.pi)
    for formant in formants:
        assert np.abs(found - formant).min() < 60


def test_jitter_varies_the_periods_and_nothing_else_does():
    def periods(jitter):
        speaker = Speaker(**{**vars(SPEAKER), "jitter": jitter, "f0": 100})
        wave = render(vowel(np.full(401, 100.0)), speaker, 400 * HOP, np.random.default_rng(0))
        closures = [n * 160 for n in range(3, 190)]
        sharp = np.abs(np.diff(wave))
        peaks = np.array([n - 80 + np.argmax(sharp[n - 80 : n + 80]) for n in closures])
        return np.diff(peaks)

    assert periods(0.0).std() < 0.5
    assert periods(0.02).std() > 1.5


def test_tract_response_peaks_at_formants_and_passes_zero_frequency():
    magnitude = np.abs(tract_response(np.array([[500.0, 1500, 2500, 3500]]), 1.0))[0]
    assert magnitude[0] == pytest.approx(1)
    assert magnitude[16] > magnitude[12]
    assert magnitude[16] > magnitude[24]
    longer = np.abs(tract_response(np.array([[500.0, 1500, 2500, 3500]]), 1.25))[0]
    assert abs(int(longer[:32].argmax()) - 20) <= 1  # 625 Hz at 31.25 Hz a bin


def test_frication_peaks_at_its_centre():
    magnitude = np.abs(frication_response(np.array([3000.0, 6000.0]), np.array([500.0, 500.0])))
    np.testing.assert_allclose(magnitude.argmax(axis=1), [96, 192], atol=3)
    np.testing.assert_allclose(magnitude.max(axis=1), 1)


def test_utterances_have_the_length_asked_for_pauses_and_one_generator(speech):
    assert speech.shape == (40_000,)
    assert np.abs(speech).max() == pytest.approx(0.9)
    assert rms(speech[-400:]) < 0.01 * rms(speech)
    generator = np.random.default_rng(3)
    np.testing.assert_array_equal(synthesise(draw_speaker(generator), 2.5, generator), speech)


def test_voice_refuses_bad_lengths():
    generator = np.random.default_rng(0)
    with pytest.raises(InputError, match=r"duration is 0 s: an utterance has 0.1 to 3600 s"):
        synthesise(SPEAKER, 0, generator)
    with pytest.raises(InputError, match="samples is 0"):
        render(vowel(np.full(9, 100.0)), SPEAKER, 0, generator)
    with pytest.raises(InputError, match="hold 9 frames, 1600 samples need 21"):
        render(vowel(np.full(9, 100.0)), SPEAKER, 1600, generator)


# Analysis and fakes


def test_pulse_trains_have_unit_power_and_their_period():
    pulses = pulse_train(np.full(101, 100.0), 16_000)
    assert rms(pulses) == pytest.approx(1, abs=0.02)
    peaks = np.flatnonzero(pulses > 0.5 * pulses.max())
    assert {int(period) for period in np.diff(peaks)} <= {1, 159, 160, 161}


def test_linear_prediction_finds_an_autoregression():
    noise = np.random.default_rng(0).standard_normal(16_000)
    wave = np.zeros(16_000)
    for n in range(2, 16_000):
        wave[n] = 1.2 * wave[n - 1] - 0.5 * wave[n - 2] + 0.1 * noise[n]
    polynomial, gain = linear_prediction(wave, order=2)
    np.testing.assert_allclose(polynomial[5:-5].mean(axis=0), [1, -1.2, 0.5], atol=0.03)
    assert gain[5:-5].mean() == pytest.approx(0.1, abs=0.01)


def test_silence_is_unvoiced():
    f0, voiced = track_f0(np.zeros(3200))
    assert not voiced.any()
    assert np.isfinite(f0).all()


def test_mel_filters_cover_the_band():
    filters = mel_filters(40, 512)
    assert filters.shape == (40, 257)
    assert filters.min() >= 0
    assert filters.max() <= 1
    assert (np.diff(filters.argmax(axis=1)) >= 0).all()


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_fakes_differ_and_keep_length_level_and_words(speech, family):
    fake = make_fake(speech, family, np.random.default_rng(1))
    assert fake.shape == speech.shape
    assert np.isfinite(fake).all()
    assert rms(fake) == pytest.approx(rms(speech), rel=1e-3)
    assert rms(fake - speech) > 0.05 * rms(speech)
    # The loudness contour stays: words and timing are those of the original.
    contour, original = (
        np.sqrt((cut(wave, 800, 400) ** 2).mean(axis=1)) for wave in (fake, speech)
    )
    assert np.corrcoef(contour, original)[0, 1] > 0.85
    again = make_fake(speech, family, np.random.default_rng(1))
    np.testing.assert_array_equal(again, fake)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_fakes_of_silence_and_noise_are_finite(family):
    generator = np.random.default_rng(2)
    for wave in (np.zeros(1600), generator.standard_normal(1777)):
        assert np.isfinite(make_fake(wave, family, generator)).all()


def test_fakes_refuse_bad_arguments():
    with pytest.raises(InputError, match="no family of fakes called 'gan'; known: griffin_lim"):
        make_fake(np.zeros(1600), "gan", np.random.default_rng(0))
    with pytest.raises(InputError, match=r"at least 0\.1 s"):
        make_fake(np.zeros((2, 1600)), "sinusoidal", np.random.default_rng(0))


# Conditions


def test_noise_is_added_at_its_ratio_and_level(speech):
    recording = Recording(10.0, "pink", -26.0, None, None, None, False)
    noisy = record(speech, recording, np.random.default_rng(0))
    assert 20 * np.log10(rms(noisy)) == pytest.approx(-26, abs=0.01)
    scale = float(noisy @ speech / (speech @ speech))
    ratio = 20 * np.log10(rms(scale * speech) / rms(noisy - scale * speech))
    assert ratio == pytest.approx(10, abs=0.3)


def test_band_limits_remove_what_is_outside(speech):
    recording = Recording(30.0, "white", -26.0, None, 300.0, 3400.0, False)
    power = np.abs(np.fft.rfft(record(speech, recording, np.random.default_rng(0)))) ** 2
    frequency = np.fft.rfftfreq(speech.size, 1 / RATE)
    inside = power[(frequency > 500) & (frequency < 3000)].mean()
    assert power[frequency < 30].mean() < 1e-3 * inside
    assert power[frequency > 6000].mean() < 1e-3 * inside


def test_clipped_recordings_have_flat_peaks(speech):
    recording = Recording(30.0, "white", -26.0, None, None, None, True)
    clipped = np.abs(record(speech, recording, np.random.default_rng(0)))
    share = np.isclose(clipped, clipped.max(), rtol=1e-9).mean()
    assert share == pytest.approx(0.005, abs=2e-4)


def test_loud_recordings_stay_within_full_scale(speech):
    loud = record(speech, Recording(30.0, "white", -1.0, 0.2, None, None, False),
                  np.random.default_rng(0))  # fmt: skip
    assert np.abs(loud).max() <= 0.98 + 1e-12


@pytest.mark.parametrize(
    ("colour", "slope"), [("white", 0), ("pink", -3), ("brown", -6), ("blue", 3)]
)
def test_noise_colours_have_their_slope(colour, slope):
    noise = coloured_noise(colour, 64_000, np.random.default_rng(0))
    power = np.abs(np.fft.rfft(noise)) ** 2
    frequency = np.fft.rfftfreq(noise.size, 1 / RATE)
    octaves = [power[(frequency > low) & (frequency < 2 * low)].mean() for low in (500, 1000, 2000)]
    np.testing.assert_allclose(np.diff(10 * np.log10(octaves)), slope, atol=0.6)


def test_a_room_decays_by_60_db_in_its_time():
    energy = room_response(0.4, np.random.default_rng(0))[1:] ** 2
    early, late = energy[:800].mean(), energy[2400:3200].mean()  # 0.15 s apart
    assert 10 * np.log10(early / late) == pytest.approx(60 * 0.15 / 0.4, abs=1.5)


def test_drawn_conditions_are_within_their_ranges():
    conditions = Conditions(snr=(5, 6), reverberation=(0.2, 0.3), high_edge=(3000, 4000))
    for seed in range(20):
        drawn = draw_recording(conditions, np.random.default_rng(seed))
        assert 5 <= drawn.snr <= 6
        assert drawn.reverberation is not None
        assert 0.2 <= drawn.reverberation <= 0.3
        assert drawn.low_edge is None
        assert not drawn.clipped


def test_unknown_noise_is_refused():
    with pytest.raises(InputError, match=r"'green'.*name colours of white"):
        Conditions(snr=(1, 2), noises=("green",))
