"""Closing shortcuts: what trivial features could tell real from fake by is made the same.

Both labels: pauses are shortened, a high-pass, noise at a level below the speech, and a level are
drawn from the same ranges. Fakes besides: their long-term spectrum, the distribution of their
frames' levels and their crest factor are made those of a real clip.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt
import scipy.ndimage
import scipy.signal

from sdd.data.audio import SAMPLE_RATE

FloatArray = npt.NDArray[np.float64]

FRAME, HOP = 320, 160
"""Samples of a frame whose level counts, and of the step to the next: 20 and 10 ms."""
PAUSE_DB = -32.0
"""A frame this far below the loud ones (95th percentile) is no speech."""
LONGEST_PAUSE, EDGE_PAUSE = 15, 3
"""Frames of a pause that are kept within speech, and before and after it."""
HIGH_PASS = 120.0
NOISE_DB = (-30.0, -20.0)
"""Range of the noise, relative to the speech."""
LEVEL_DB = (-30.0, -20.0)
"""Range of the root mean square of a clip, relative to full scale."""
FADE = 80
"""Samples over which a clip begins and ends: 5 ms."""
_PEAK = 0.98
_SIZE = 1024
_MEL_STEP = 86.0  # 55 Hz at the lowest
_WIDEST_STEP = 125.0
_MOST_GAIN_DB = 20.0
_MOST_LEVEL_DB = 12.0
_QUANTILES = np.linspace(0, 1, 21)
_SMALL = 1e-10


def shorten_pauses(wave: FloatArray) -> FloatArray:
    """Cut out what of pauses is longer than 0.15 s, and than 0.03 s before and after the speech.

    Parameters
    ----------
    wave
        ``float64 [T]`` at 16 kHz.
    """
    levels = frame_levels(wave)
    if levels.size == 0:
        return wave
    silent = levels < np.percentile(levels, 95) + PAUSE_DB
    kept = np.ones(silent.size, dtype=bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], silent, [False]]).astype(np.int8)))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        at_start, at_end = start == 0, stop == silent.size
        after_speech = 0 if at_start else EDGE_PAUSE if at_end else LONGEST_PAUSE // 2
        before_speech = 0 if at_end else EDGE_PAUSE if at_start else (LONGEST_PAUSE + 1) // 2
        kept[start + after_speech : max(start + after_speech, stop - before_speech)] = False
    return _joined(wave, kept)


def _joined(wave: FloatArray, kept: npt.NDArray[np.bool_]) -> FloatArray:
    """Put the kept steps together; each piece fades in and out, so that no seam clicks."""
    changes = np.diff(np.concatenate([[False], kept, [False]]).astype(np.int8))
    starts, stops = np.flatnonzero(changes == 1) * HOP, np.flatnonzero(changes == -1) * HOP
    pieces = [faded(wave[start:stop]) for start, stop in zip(starts, stops, strict=True)]
    return np.concatenate(pieces) if pieces else wave[:0]


def faded(wave: FloatArray) -> FloatArray:
    """Let a clip begin and end within 5 ms."""
    length = min(FADE, wave.size // 2)
    ramp = np.sin(np.linspace(0, np.pi / 2, length, endpoint=False)) ** 2
    shaped = wave.copy()
    shaped[:length] *= ramp
    shaped[wave.size - length :] *= ramp[::-1]
    return shaped


def frame_levels(wave: FloatArray) -> FloatArray:
    """Return the power of each frame of 20 ms, every 10 ms, in dB of full scale squared."""
    if wave.size < FRAME:
        return np.empty(0)
    frames = np.lib.stride_tricks.sliding_window_view(wave, FRAME)[::HOP]
    levels: FloatArray = 10 * np.log10(np.mean(frames**2, axis=1) + _SMALL)
    return levels


def high_passed(wave: FloatArray) -> FloatArray:
    """Take away what is below 120 Hz: hum, rumble, and offsets."""
    sections = scipy.signal.butter(4, HIGH_PASS, "highpass", fs=SAMPLE_RATE, output="sos")
    filtered: FloatArray = scipy.signal.sosfilt(sections, wave)
    return filtered


def match(fake: FloatArray, real: FloatArray) -> FloatArray:
    """Make spectrum, levels of frames and crest factor of a fake those of a real clip.

    Parameters
    ----------
    fake, real
        ``float64 [T]`` and ``float64 [T']`` at 16 kHz.

    Returns
    -------
    ``float64 [T]``
        With the root mean square of `real`.
    """
    fake = _match_levels(_match_spectrum(fake, real), real)
    return _match_crest(_match_spectrum(fake, real), real)


def finished(wave: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Give a clip of either label its edges, its noise and its level.

    Parameters
    ----------
    wave
        ``float64 [T]`` at 16 kHz.

    Returns
    -------
    ``float64 [T]``
        Within -0.98..0.98.
    """
    # What bent a fake's peaks left an offset, and the noise has all of the low frequencies.
    wave = faded(high_passed(wave))
    noise = generator.standard_normal(wave.size) * 10 ** (generator.uniform(*NOISE_DB) / 20)
    wave = wave / _rms(wave) + noise
    wave = faded(wave) * (10 ** (generator.uniform(*LEVEL_DB) / 20) / _rms(wave))
    return wave * min(1.0, _PEAK / max(float(np.abs(wave).max()), _SMALL))


def _rms(wave: FloatArray) -> float:
    return max(float(np.sqrt(np.mean(wave**2))), _SMALL)


def _match_spectrum(wave: FloatArray, target: FloatArray) -> FloatArray:
    """Filter by a linear-phase filter so that the energies of bands are those of the target."""
    edges = _band_edges()
    own = _band_levels(wave, edges)
    gain = np.clip(_band_levels(target, edges) - own, -_MOST_GAIN_DB, _MOST_GAIN_DB)
    bins = np.linspace(0, SAMPLE_RATE / 2, _SIZE // 2 + 1)
    response = 10 ** (np.interp(bins, edges[1:-1], gain) / 20)
    taps = np.roll(np.fft.irfft(response), _SIZE // 2) * np.hanning(_SIZE)
    filtered: FloatArray = scipy.signal.oaconvolve(wave, taps)[_SIZE // 2 :][: wave.size]
    return filtered


@cache
def _band_edges() -> FloatArray:
    """Return where bands begin and end: as wide as in mel, at most 125 Hz, up to 8 kHz.

    Wider ones would not follow the steep edge of a codec's band.
    """
    edges, growth = [0.0], 10 ** (_MEL_STEP / 2595) - 1
    while edges[-1] < SAMPLE_RATE / 2:
        edges.append(edges[-1] + min(_WIDEST_STEP, (700 + edges[-1]) * growth))
    return np.array(edges) * (SAMPLE_RATE / 2 / edges[-1])


def _band_levels(wave: FloatArray, edges: FloatArray) -> FloatArray:
    """Return the power under triangles that reach from edge to edge but one, in dB."""
    _, power = scipy.signal.welch(wave, SAMPLE_RATE, nperseg=_SIZE, detrend=False)
    frequency = np.linspace(0, SAMPLE_RATE / 2, power.size)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    weights = np.minimum((frequency - low) / (centre - low), (high - frequency) / (high - centre))
    weights = np.maximum(weights, 0.0) + _SMALL
    levels: FloatArray = 10 * np.log10(weights @ power / weights.sum(axis=1) + _SMALL**2)
    return levels


def _match_levels(wave: FloatArray, target: FloatArray) -> FloatArray:
    """Change the gain slowly so that the levels of frames are distributed as the target's."""
    own, other = frame_levels(wave), frame_levels(target)
    if min(own.size, other.size) < _QUANTILES.size:
        return wave
    wanted = np.interp(own, np.quantile(own, _QUANTILES), np.quantile(other, _QUANTILES))
    gain = np.clip(wanted - own, -_MOST_LEVEL_DB, _MOST_LEVEL_DB)
    gain = scipy.ndimage.gaussian_filter1d(gain, 2.0)
    centres = np.arange(own.size) * HOP + FRAME / 2
    return wave * 10 ** (np.interp(np.arange(wave.size), centres, gain) / 20)


def _match_crest(wave: FloatArray, target: FloatArray) -> FloatArray:
    """Bend the waveform without memory until peak over root mean square is the target's."""
    unit, wanted = wave / _rms(wave), _crest(target)
    bend: Callable[[FloatArray, float], FloatArray] = _compressed
    if _crest(unit) < wanted:
        bend = _expanded
    low, high = 0.0, 1.0
    for _ in range(20):
        middle = (low + high) / 2
        too_far = (_crest(bend(unit, middle)) < wanted) == (bend is _compressed)
        low, high = (low, middle) if too_far else (middle, high)
    bent = bend(unit, high)
    return bent * (_rms(target) / _rms(bent))


def _crest(wave: FloatArray) -> float:
    return float(np.abs(wave).max()) / _rms(wave)


def _compressed(unit: FloatArray, amount: float) -> FloatArray:
    return np.tanh(amount * unit) / amount if amount else unit


def _expanded(unit: FloatArray, amount: float) -> FloatArray:
    return np.sinh(amount * unit) / amount if amount else unit
