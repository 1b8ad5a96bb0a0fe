"""Families of fakes: each takes recorded speech apart and puts it together with its own artefact.

Every family keeps words, timing, voice and level of the speech that it is given ("copy synthesis"),
so that a detector has only the artefact to go by.
"""

from collections.abc import Callable
from types import MappingProxyType

import numpy as np
import scipy.fft
import scipy.ndimage
import scipy.signal

from sdd.data.audio import SAMPLE_RATE
from sdd.data.toy.analysis import (
    HOP,
    linear_prediction,
    minimum_phase_envelope,
    pulse_train,
    track_f0,
)
from sdd.data.toy.frames import (
    FloatArray,
    filter_frames,
    inverse_spectrum,
    rms,
    spectrum,
)
from sdd.errors import InputError

Family = Callable[[FloatArray, np.random.Generator], FloatArray]


def mel_filters(bands: int, size: int) -> FloatArray:
    """Return triangular filters, equally spaced in mel (O'Shaughnessy), from 0 Hz to 8 kHz.

    Parameters
    ----------
    size
        Transform length in samples.

    Returns
    -------
    ``float64 [bands, size // 2 + 1]``
        Each with a peak of 1.
    """
    frequency = np.linspace(0, SAMPLE_RATE / 2, size // 2 + 1)
    top = 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    filters: FloatArray = np.minimum(
        (frequency - low) / (centre - low), (high - frequency) / (high - centre)
    )
    return np.maximum(filters, 0.0)


def griffin_lim(wave: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Mel spectrogram and back: the phases are found by a few Griffin-Lim iterations."""
    size = int(generator.choice([512, 1024]))
    hop = size // 4
    filters = mel_filters(int(generator.integers(28, 56)), size)
    mel = np.abs(spectrum(wave, size, hop)) @ filters.T
    magnitude = np.maximum(mel @ np.linalg.pinv(filters).T, 0.0)
    angles = np.exp(2j * np.pi * generator.random(magnitude.shape))
    rebuilt = inverse_spectrum(magnitude * angles, hop, wave.size)
    for _ in range(int(generator.integers(3, 9))):
        estimate = spectrum(rebuilt, size, hop)
        phases = estimate / np.maximum(np.abs(estimate), 1e-12)
        rebuilt = inverse_spectrum(magnitude * phases, hop, wave.size)
    return rebuilt


def lpc_vocoder(wave: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Linear prediction, excited by a pulse train where voiced and by noise elsewhere."""
    polynomial, gain = linear_prediction(wave, order=int(generator.integers(12, 22)))
    f0, voiced = track_f0(wave)
    f0 = f0 * generator.uniform(0.94, 1.06)
    position = np.arange(wave.size) / HOP
    share = np.interp(position, np.arange(voiced.size), voiced)
    noise = generator.standard_normal(wave.size)
    excitation = share * pulse_train(f0, wave.size) + (1 - share) * noise
    response = gain[:, None] / scipy.fft.rfft(polynomial, n=1024, axis=1)
    return filter_frames(excitation, response, HOP)


def quantised_phase(wave: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Phases of the short-time spectrum rounded to two or three directions."""
    size = int(generator.choice([256, 512]))
    step = 2 * np.pi / int(generator.integers(2, 4))
    frames = spectrum(wave, size, size // 4)
    angle = step * np.round(np.angle(frames) / step)
    return inverse_spectrum(np.abs(frames) * np.exp(1j * angle), size // 4, wave.size)


def spectral_images(wave: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Decimation, then upsampling whose weak filter leaves mirror images of the low band."""
    factor = int(generator.integers(3, 6))
    slow = scipy.signal.resample_poly(wave, 1, factor)
    if generator.random() < 0.5:
        fast = np.repeat(slow, factor)
    else:
        fast = np.zeros(slow.size * factor)
        fast[::factor] = slow * factor
        weak = np.array([1.0, generator.uniform(2.0, 4.0), 1.0])
        fast = np.convolve(fast, weak / weak.sum(), mode="same")
    share = generator.uniform(0.8, 1.0)
    return share * fast[: wave.size] + (1 - share) * wave


def sinusoidal(wave: FloatArray, generator: np.random.Generator) -> FloatArray:
    """The strongest peaks of each short-time spectrum and nothing between them."""
    size = int(generator.choice([512, 1024]))
    frames = spectrum(wave, size, size // 4)
    magnitude = np.abs(frames)
    peaks = magnitude == scipy.ndimage.maximum_filter1d(magnitude, size=5, axis=1)
    count = int(generator.integers(4, 10))
    threshold = -np.sort(-np.where(peaks, magnitude, 0.0), axis=1)[:, count - 1, None]
    kept = peaks & (magnitude >= threshold)
    lobes = scipy.ndimage.maximum_filter1d(kept, size=3, axis=1)
    return inverse_spectrum(frames * lobes, size // 4, wave.size)


def smooth_vocoder(wave: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Cepstrally smoothed minimum-phase envelopes on a pulse train without jitter or breath."""
    envelope = minimum_phase_envelope(wave, quefrency=int(generator.integers(16, 32)))
    width = generator.uniform(1.0, 3.0)
    envelope = scipy.ndimage.gaussian_filter1d(envelope, width, axis=0)
    f0, voiced = track_f0(wave)
    f0 = scipy.ndimage.gaussian_filter1d(f0, 6.0)
    share = np.interp(np.arange(wave.size) / HOP, np.arange(voiced.size), voiced)
    noise = generator.standard_normal(wave.size)
    excitation = share * pulse_train(f0, wave.size) + 0.5 * (1 - share) * noise
    return filter_frames(excitation, envelope, HOP)


def periodic_grid(wave: FloatArray, generator: np.random.Generator) -> FloatArray:
    """A gain pattern that repeats every few samples, as strided transposed convolutions leave."""
    period = int(generator.choice([5, 8, 10, 16, 20, 32]))
    pattern = generator.standard_normal(period)
    pattern = (pattern - pattern.mean()) / pattern.std()
    gain = np.resize(pattern, wave.size) * generator.uniform(0.35, 0.7)
    loudness = scipy.ndimage.uniform_filter1d(np.abs(wave), 400)
    return wave * (1 + gain) + 0.3 * loudness * gain


def noise_substitution(wave: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Bands above a cutoff keep their energies, but hold noise in place of harmonics."""
    size, hop = 512, 128
    frames = spectrum(wave, size, hop)
    first = int(generator.uniform(200, 700) / SAMPLE_RATE * size)
    width = int(generator.integers(12, 28))
    power = scipy.ndimage.uniform_filter(np.abs(frames) ** 2, size=(5, width), mode="nearest")
    power = np.maximum(power, 0.0)  # running sums may fall below zero by rounding
    noise = spectrum(generator.standard_normal(wave.size), size, hop)
    noise *= np.sqrt(power) / np.sqrt(np.sum(np.abs(noise) ** 2) / noise.size)
    frames[:, first:] = noise[:, first:]
    return inverse_spectrum(frames, hop, wave.size)


FAMILIES: MappingProxyType[str, Family] = MappingProxyType(
    {
        family.__name__: family
        for family in (
            griffin_lim,
            lpc_vocoder,
            quantised_phase,
            spectral_images,
            sinusoidal,
            smooth_vocoder,
            periodic_grid,
            noise_substitution,
        )
    }
)
"""All families by name."""


def make_fake(wave: FloatArray, family: str, generator: np.random.Generator) -> FloatArray:
    """Turn recorded speech into a fake of the same length and level.

    Parameters
    ----------
    wave
        ``float64 [samples]`` at 16 kHz, at least 0.1 s.
    family
        A key of `FAMILIES`.
    generator
        Source of the family's random parameters.

    Returns
    -------
    ``float64 [samples]``
        With the mean and the root mean square of `wave`.

    Raises
    ------
    InputError
        If the family is unknown or the waveform is not one of at least 0.1 s.
    """
    if family not in FAMILIES:
        raise InputError(
            f"There is no family of fakes called {family!r}; known: {', '.join(FAMILIES)}."
        )
    if wave.ndim != 1 or wave.size < SAMPLE_RATE // 10:
        raise InputError(
            f"A fake needs a mono waveform of at least 0.1 s ({SAMPLE_RATE // 10} samples); "
            f"this one has shape {wave.shape}."
        )
    fake = FAMILIES[family](wave, generator)
    mean = float(wave.mean())
    centred: FloatArray = fake - fake.mean()
    levelled: FloatArray = centred * (rms(wave - mean) / rms(centred)) + mean
    return levelled
