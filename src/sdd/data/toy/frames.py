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
        An even number of samples.

    Returns
    -------
    ``float64 [size]``
    """
    window: FloatArray = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    return window


def cut(wave: FloatArray, size: int, hop: int) -> FloatArray:
    """Cut a waveform into overlapping frames; the first is centred on sample 0.

    Parameters
    ----------
    wave
        ``float64 [samples]`` at 16 kHz.
    size, hop
        Frame length and advance in samples.

    Returns
    -------
    ``float64 [frames, size]``
        A read-only view; frame t is centred on sample t * hop, and the last centre lies on or
        after the last sample.
    """
    frames = -(-wave.size // hop) + 1
    padded = np.zeros((frames - 1) * hop + size)
    padded[size // 2 : size // 2 + wave.size] = wave
    return np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]


def overlap_add(frames: FloatArray, hop: int) -> FloatArray:
    """Add frames, ``float64 [frames, size]``, at multiples of `hop` samples.

    Returns
    -------
    ``float64 [(frames + ceil(size / hop) - 1) * hop]``
    """
    count, size = frames.shape
    parts = -(-size // hop)
    if parts * hop != size:
        frames = np.pad(frames, ((0, 0), (0, parts * hop - size)))
    # Part p of a frame falls on the same samples as part p - 1 of the next: a sum a part, whatever
    # the number of frames.
    blocks = frames.reshape(count, parts, hop)
    total = np.zeros((count + parts - 1, hop))
    for part in range(parts):
        total[part : part + count] += blocks[:, part]
    return total.reshape(-1)


def spectrum(wave: FloatArray, size: int, hop: int) -> ComplexArray:
    """Take the short-time Fourier transform with a Hann window.

    Parameters
    ----------
    wave
        ``float64 [samples]`` at 16 kHz.
    size, hop
        Frame length and advance in samples.

    Returns
    -------
    ``complex128 [frames, size // 2 + 1]``
    """
    transformed: ComplexArray = scipy.fft.rfft(cut(wave, size, hop) * hann(size), axis=1)
    return transformed


def inverse_spectrum(frames: ComplexArray, hop: int, samples: int) -> FloatArray:
    """Invert `spectrum` by least squares (Griffin and Lim, 1984, Eq. 6).

    Parameters
    ----------
    frames
        ``complex128 [frames, size // 2 + 1]``.
    hop
        Advance in samples; at most size / 2.

    Returns
    -------
    ``float64 [samples]``
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
        ``float64 [samples]`` at 16 kHz.
    response
        ``complex128 [frames, size // 2 + 1]``, as a transform of `size` samples has them; frame t
        holds at sample t * hop; frames >= ceil(samples / hop) + 1 (more are ignored).
    hop
        Advance of the frames in samples.

    Returns
    -------
    ``float64 [samples]``
    """
    size = 2 * (response.shape[1] - 1)
    pieces = cut(excitation, 2 * hop, hop)
    spectra = scipy.fft.rfft(pieces * hann(2 * hop), n=size, axis=1)
    spectra *= response[: pieces.shape[0]]
    filtered = overlap_add(scipy.fft.irfft(spectra, n=size, axis=1), hop)
    return filtered[hop : hop + excitation.size]


def rms(wave: FloatArray) -> float:
    """Return the root mean square of a waveform, in its unit, never below 1e-9."""
    return max(float(np.sqrt(np.mean(wave**2))), 1e-9)
