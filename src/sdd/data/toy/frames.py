"""Short-time frames: windowing, overlap-add, short-time spectra, filters that change in time."""

import numpy as np
import scipy.fft
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


def hann(size: int) -> FloatArray:
    """Return a periodic Hann window: shifted copies at size / 2 add up to one.

    Parameters
    ----------
    size
        Length in samples, even.

    Returns
    -------
    FloatArray
        Shape (size,).
    """
    window: FloatArray = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    return window


def cut(wave: FloatArray, size: int, hop: int) -> FloatArray:
    """Cut a waveform into overlapping frames; the first is centred on sample 0.

    Parameters
    ----------
    wave
        Shape (samples,).
    size, hop
        Frame length and advance in samples.

    Returns
    -------
    FloatArray
        Shape (frames, size), a read-only view; frame t is centred on sample t * hop, and the last
        centre lies on or after the last sample.
    """
    frames = -(-wave.size // hop) + 1
    padded = np.zeros((frames - 1) * hop + size)
    padded[size // 2 : size // 2 + wave.size] = wave
    return np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]


def overlap_add(frames: FloatArray, hop: int) -> FloatArray:
    """Add frames at multiples of `hop`.

    Parameters
    ----------
    frames
        Shape (frames, size).
    hop
        Advance in samples.

    Returns
    -------
    FloatArray
        Shape ((frames + ceil(size / hop) - 1) * hop,).
    """
    count, size = frames.shape
    parts = -(-size // hop)
    if parts * hop != size:
        frames = np.pad(frames, ((0, 0), (0, parts * hop - size)))
    blocks = frames.reshape(count, parts, hop)
    total = np.zeros((count + parts - 1, hop))
    for part in range(parts):
        total[part : part + count] += blocks[:, part]
    return total.reshape(-1)


def spectrum(wave: FloatArray, size: int, hop: int) -> ComplexArray:
    """Short-time Fourier transform with a Hann window.

    Parameters
    ----------
    wave
        Shape (samples,).
    size, hop
        Frame length and advance in samples.

    Returns
    -------
    ComplexArray
        Shape (frames, size // 2 + 1).
    """
    transformed: ComplexArray = scipy.fft.rfft(cut(wave, size, hop) * hann(size), axis=1)
    return transformed


def inverse_spectrum(frames: ComplexArray, hop: int, samples: int) -> FloatArray:
    """Least-squares inverse of `spectrum` (Griffin and Lim, 1984, Eq. 6).

    Parameters
    ----------
    frames
        Shape (frames, size // 2 + 1).
    hop
        Advance in samples; at most size / 2.
    samples
        Length of the waveform.

    Returns
    -------
    FloatArray
        Shape (samples,).
    """
    size = 2 * (frames.shape[1] - 1)
    window = hann(size)
    summed = overlap_add(scipy.fft.irfft(frames, n=size, axis=1) * window, hop)
    weight = overlap_add(np.broadcast_to(window**2, (frames.shape[0], size)), hop)
    start = size // 2
    inner = slice(start, start + samples)
    inverted: FloatArray = summed[inner] / np.maximum(weight[inner], 1e-3)
    return inverted


def filter_frames(excitation: FloatArray, response: ComplexArray, hop: int) -> FloatArray:
    """Filter a signal by a response that changes every `hop` samples.

    Each piece of 2 * hop samples under a Hann window is filtered by its own frame's response.

    Parameters
    ----------
    excitation
        Shape (samples,).
    response
        Shape (frames, size // 2 + 1), on the grid of a transform of `size` samples; frame t holds
        at sample t * hop; frames >= ceil(samples / hop) + 1 (more are ignored).
    hop
        Advance in samples.

    Returns
    -------
    FloatArray
        Shape (samples,).
    """
    size = 2 * (response.shape[1] - 1)
    pieces = cut(excitation, 2 * hop, hop)
    spectra = scipy.fft.rfft(pieces * hann(2 * hop), n=size, axis=1)
    spectra *= response[: pieces.shape[0]]
    filtered = overlap_add(scipy.fft.irfft(spectra, n=size, axis=1), hop)
    return filtered[hop : hop + excitation.size]


def rms(wave: FloatArray) -> float:
    """Return the root mean square of a waveform, never below 1e-9.

    Parameters
    ----------
    wave
        Shape (samples,).

    Returns
    -------
    float
        In the unit of `wave`.
    """
    return max(float(np.sqrt(np.mean(wave**2))), 1e-9)
