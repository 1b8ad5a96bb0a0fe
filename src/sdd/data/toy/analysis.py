"""Measurements of vocoders: fundamental frequency, linear prediction, spectral envelopes."""

import numpy as np
import scipy.fft
import scipy.ndimage

from sdd.data.audio import SAMPLE_RATE
from sdd.data.toy.frames import ComplexArray, FloatArray, cut, hann

HOP = 160
"""Samples between two analysis frames: 10 ms."""

LOWEST_F0, HIGHEST_F0 = 60.0, 400.0


def track_f0(wave: FloatArray, size: int = 640) -> tuple[FloatArray, FloatArray]:
    """Estimate F0 by the maximum of the normalised autocorrelation, every 10 ms.

    Parameters
    ----------
    wave
        ``float64 [samples]`` at 16 kHz.
    size
        Frame length in samples.

    Returns
    -------
    f0
        ``float64 [frames]``: Hz, median-filtered, interpolated over unvoiced frames.
    voiced
        ``float64 [frames]``: 1 where voiced, else 0.
    """
    window = hann(size)
    frames = cut(wave, size, HOP) * window
    power = np.abs(scipy.fft.rfft(frames, n=2 * size, axis=1)) ** 2
    correlation = scipy.fft.irfft(power, axis=1)[:, :size]
    taper = scipy.fft.irfft(np.abs(scipy.fft.rfft(window, n=2 * size)) ** 2)[:size]
    energy = correlation[:, 0]
    shortest, longest = int(SAMPLE_RATE / HIGHEST_F0), int(SAMPLE_RATE / LOWEST_F0)
    # The window's own autocorrelation is divided out, or long periods would look weak (Boersma).
    lags = slice(shortest, longest)
    normalised = correlation[:, lags] / taper[lags] * taper[0]
    normalised /= np.maximum(energy[:, None], 1e-12)
    # Two periods match as well as one: an octave must win by 0.03.
    cost = 0.03 * np.log2(np.arange(shortest, longest))
    best = (normalised - cost).argmax(axis=1)
    peak = normalised[np.arange(best.size), best]
    voiced = (peak > 0.5) & (energy > 1e-3 * energy.max())
    f0 = SAMPLE_RATE / (best + float(shortest))
    if not voiced.any():
        return np.full(best.size, 120.0), np.zeros(best.size)
    time = np.arange(best.size)
    f0 = np.interp(time, time[voiced], scipy.ndimage.median_filter(f0[voiced], size=5))
    return f0, scipy.ndimage.median_filter(voiced.astype(np.float64), size=3)


def linear_prediction(
    wave: FloatArray, order: int, size: int = 480
) -> tuple[FloatArray, FloatArray]:
    """Predict linearly by the autocorrelation method, every 10 ms.

    Parameters
    ----------
    wave
        ``float64 [samples]`` at 16 kHz.
    order
        Number of predictor coefficients.
    size
        Frame length in samples.

    Returns
    -------
    polynomial
        ``float64 [frames, order + 1]``: 1, -a_1, ..., -a_order.
    gain
        ``float64 [frames]``: root mean square of the residual.
    """
    window = hann(size)
    frames = cut(wave, size, HOP) * window
    power = np.abs(scipy.fft.rfft(frames, n=2 * size, axis=1)) ** 2
    correlation = scipy.fft.irfft(power, axis=1)[:, : order + 1] / np.sum(window**2)
    # White noise 50 dB below the signal: without it the equations of a pure tone are singular.
    correlation[:, 0] = correlation[:, 0] * (1 + 1e-5) + 1e-12
    lag = np.abs(np.arange(order)[:, None] - np.arange(order)[None, :])
    predictor = np.linalg.solve(correlation[:, lag], correlation[:, 1:, None])[..., 0]
    error = correlation[:, 0] - np.sum(predictor * correlation[:, 1:], axis=1)
    polynomial = np.concatenate([np.ones((predictor.shape[0], 1)), -predictor], axis=1)
    return polynomial, np.sqrt(np.maximum(error, 0.0))


def minimum_phase_envelope(wave: FloatArray, quefrency: int, size: int = 512) -> ComplexArray:
    """Estimate spectral envelopes of minimum phase by truncating the cepstrum, every 10 ms.

    Parameters
    ----------
    wave
        ``float64 [samples]`` at 16 kHz.
    quefrency
        Number of cepstral coefficients that are kept.
    size
        Frame and transform length in samples.

    Returns
    -------
    ``complex128 [frames, size // 2 + 1]``
        Response to an excitation of unit power.
    """
    window = hann(size)
    magnitude = np.abs(scipy.fft.rfft(cut(wave, size, HOP) * window, axis=1))
    magnitude /= np.sqrt(np.sum(window**2))
    cepstrum = scipy.fft.irfft(np.log(magnitude + 1e-5), axis=1)
    # Folding the cepstrum onto positive quefrencies gives the minimum phase of the same magnitude.
    cepstrum[:, 1:quefrency] *= 2.0
    cepstrum[:, quefrency:] = 0.0
    envelope: ComplexArray = np.exp(scipy.fft.rfft(cepstrum, axis=1))
    return envelope


def pulse_train(f0: FloatArray, samples: int) -> FloatArray:
    """Place unit-power pulses at every turn of a phase that is the sum of F0.

    Each pulse is split between its two nearest samples.

    Parameters
    ----------
    f0
        ``float64 [frames]``, Hz, one value every 10 ms.

    Returns
    -------
    ``float64 [samples]``
        At 16 kHz.
    """
    step = np.interp(np.arange(samples) / HOP, np.arange(f0.size), f0) / SAMPLE_RATE
    phase = np.cumsum(step)
    turns = np.flatnonzero(np.diff(np.floor(phase), prepend=0.0) > 0)
    late = (phase[turns] % 1.0) / step[turns]
    height = 1 / np.sqrt(step[turns])
    pulses = np.zeros(samples)
    pulses[turns] += (1 - late) * height
    pulses[np.maximum(turns - 1, 0)] += late * height
    return pulses
