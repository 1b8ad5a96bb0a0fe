"""Recording conditions: noise, room, band, clipping, level."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.fft
import scipy.signal

from sdd.data.audio import SAMPLE_RATE
from sdd.data.toy.frames import FloatArray, rms
from sdd.errors import InputError

NOISE_SLOPES = {"white": 0.0, "pink": -0.5, "brown": -1.0, "blue": 0.5}
"""Exponent of the noise amplitude over frequency."""

Range = tuple[float, float]


@dataclass(frozen=True)
class Conditions:
    """Recording conditions of a corpus, as ranges; `draw_recording` picks one recording's values.

    Attributes
    ----------
    snr
        Signal-to-noise ratio in dB.
    noises
        Colours, keys of `NOISE_SLOPES`.
    level
        Root mean square of the result, dB re full scale.
    reverberation
        Reverberation time (60 dB), seconds; None is a dry recording.
    reverberant_share
        Share of recordings with reverberation.
    low_edge, high_edge
        Band limits, Hz; None leaves that side open.
    band_limited_share
        Share of recordings with these band limits.
    clipped_share
        Share of recordings whose loudest peaks are clipped.
    """

    snr: Range
    noises: tuple[str, ...] = ("white", "pink")
    level: Range = (-28.0, -20.0)
    reverberation: Range | None = None
    reverberant_share: float = 1.0
    low_edge: Range | None = None
    high_edge: Range | None = None
    band_limited_share: float = 1.0
    clipped_share: float = 0.0

    def __post_init__(self) -> None:
        unknown = sorted(set(self.noises) - set(NOISE_SLOPES))
        if unknown or not self.noises:
            raise InputError(
                f"noises holds {unknown or 'nothing'}: name colours of {', '.join(NOISE_SLOPES)}."
            )


@dataclass(frozen=True)
class Recording:
    """One recording's conditions; the fields are single values of those of `Conditions`."""

    snr: float
    noise: str
    level: float
    reverberation: float | None
    low_edge: float | None
    high_edge: float | None
    clipped: bool


def _pick(limits: Range | None, generator: np.random.Generator) -> float | None:
    # Always one draw, so that a corpus' later draws do not depend on which ranges it has.
    value = generator.random()
    return None if limits is None else float(limits[0] + (limits[1] - limits[0]) * value)


def draw_recording(conditions: Conditions, generator: np.random.Generator) -> Recording:
    """Draw one recording's values, each uniform in its range."""
    reverberant, limited = generator.random(2) < (
        conditions.reverberant_share,
        conditions.band_limited_share,
    )
    return Recording(
        snr=float(generator.uniform(*conditions.snr)),
        noise=str(generator.choice(list(conditions.noises))),
        level=float(generator.uniform(*conditions.level)),
        reverberation=_pick(conditions.reverberation if reverberant else None, generator),
        low_edge=_pick(conditions.low_edge if limited else None, generator),
        high_edge=_pick(conditions.high_edge if limited else None, generator),
        clipped=bool(generator.random() < conditions.clipped_share),
    )


def coloured_noise(colour: str, samples: int, generator: np.random.Generator) -> FloatArray:
    """Draw Gaussian noise whose amplitude spectrum is a power of frequency (flat below 50 Hz).

    Parameters
    ----------
    colour
        A key of `NOISE_SLOPES`.

    Returns
    -------
    ``float64 [samples]``
        Of unit root mean square.
    """
    length = scipy.fft.next_fast_len(samples, real=True)
    spectrum = scipy.fft.rfft(generator.standard_normal(length))
    frequency = np.maximum(scipy.fft.rfftfreq(length, 1 / SAMPLE_RATE), 50.0)
    noise: FloatArray = scipy.fft.irfft(spectrum * frequency ** NOISE_SLOPES[colour], n=length)
    noise = noise[:samples]
    return noise / rms(noise)


def room_response(reverberation: float, generator: np.random.Generator) -> FloatArray:
    """Draw a room response: a direct pulse and exponentially decaying noise.

    Parameters
    ----------
    reverberation
        Seconds in which the tail falls by 60 dB.

    Returns
    -------
    ``float64 [round(reverberation * SAMPLE_RATE) + 1]``
        At 16 kHz, of unit energy.
    """
    time = np.arange(round(reverberation * SAMPLE_RATE)) / SAMPLE_RATE
    tail = generator.standard_normal(time.size) * 10 ** (-3 * time / reverberation)
    tail *= generator.uniform(0.3, 0.7) / np.sqrt(np.sum(tail**2))
    response = np.concatenate([[1.0], tail])
    unit: FloatArray = response / np.sqrt(np.sum(response**2))
    return unit


def _filter_band(
    wave: FloatArray, edge: float | None, kind: Literal["highpass", "lowpass"]
) -> FloatArray:
    if edge is None:
        return wave
    # Microphones cut low frequencies gently: a steep edge near F0 would reshape every pulse.
    order = 2 if kind == "highpass" else 6
    sections = scipy.signal.butter(order, edge, kind, fs=SAMPLE_RATE, output="sos")
    filtered: FloatArray = scipy.signal.sosfilt(sections, wave)
    return filtered


def record(wave: FloatArray, recording: Recording, generator: np.random.Generator) -> FloatArray:
    """Pass speech through room, noise, band limits and clipping, in this order, and set its level.

    Parameters
    ----------
    wave
        ``float64 [samples]`` at 16 kHz.
    generator
        Source of the noise and the room.

    Returns
    -------
    ``float64 [samples]``
        At 16 kHz, within -0.98..0.98.
    """
    if recording.reverberation is not None:
        room = room_response(recording.reverberation, generator)
        wave = scipy.signal.oaconvolve(wave, room)[: wave.size]
    noise = coloured_noise(recording.noise, wave.size, generator)
    wave = wave + noise * (rms(wave) * 10 ** (-recording.snr / 20))
    wave = _filter_band(wave, recording.low_edge, "highpass")
    wave = _filter_band(wave, recording.high_edge, "lowpass")
    if recording.clipped:
        ceiling = float(np.quantile(np.abs(wave), 0.995))
        wave = np.clip(wave, -ceiling, ceiling)
    wave = wave * (10 ** (recording.level / 20) / rms(wave))
    return wave * min(1.0, 0.98 / max(float(np.abs(wave).max()), 1e-9))
