"""Test conditions: what a line does to a recording on its way to the detector.

A condition acts on a segment as on a recording that was sent: the level at which it is spoken
(gain), noise of the place, the band of the line, then the codec. Whatever the order in the config,
this is the order here.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sdd.data.audio import SAMPLE_RATE
from sdd.data.audio.coding import fitted, resampled, transcoded

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Condition:
    """A condition as the config has it; None where it says nothing of a step.

    Attributes
    ----------
    gain
        In dB.
    noise, snr
        The kind of noise, ``white``, and the power of the segment over that of the noise, in dB.
    resample
        A rate in Hz, to which it is resampled and back.
    codec, bitrate, quality
        As of `sdd.data.audio.coding.transcoded`.
    """

    gain: float | None = None
    noise: str | None = None
    snr: float | None = None
    resample: int | None = None
    codec: str | None = None
    bitrate: int | None = None
    quality: float | None = None

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Condition":
        """Read a condition of a config, whose bit rate is a number."""
        return cls(**config)

    def apply(self, samples: FloatArray, name: str) -> tuple[FloatArray, int]:
        """Do to a segment what the condition says.

        Parameters
        ----------
        samples
            ``float32 [T]`` at 16 kHz.
        name
            Of the segment: the noise is drawn from it alone, so that a segment has the same noise
            wherever it stands, in every set and at every SNR.

        Returns
        -------
        samples
            ``float32 [T]``: as long, and not delayed. What is beyond full scale is for the caller
            to limit.
        clipped
            Samples that were limited on the way into the codec.
        """
        sound = samples
        if self.gain is not None:
            sound = amplified(sound, self.gain)
        if self.snr is not None:
            sound = with_white_noise(sound, self.snr, name)
        if self.resample is not None:
            sound = band_limited(sound, self.resample)
        if self.codec is None:
            return sound, 0
        return transcoded(sound, self.codec, bitrate=self.bitrate, quality=self.quality)


def amplified(samples: FloatArray, gain: float) -> FloatArray:
    """Multiply by ``10 ** (gain / 20)``, the gain in dB."""
    return samples * np.float32(10 ** (gain / 20))


def with_white_noise(samples: FloatArray, snr: float, name: str) -> FloatArray:
    """Add white Gaussian noise at an SNR in dB.

    ``x + n sqrt(sum x^2 / sum n^2) 10^(-snr / 20)``: powers are means over the whole segment, its
    pauses included, and that of the noise is the one that was drawn, not the expected one. Digital
    silence has no power, and stays silent.

    Parameters
    ----------
    name
        Seeds the noise.
    """
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16])
    noise = np.random.default_rng(seed).standard_normal(len(samples))
    signal = samples.astype(np.float64)
    scale = np.sqrt(np.sum(signal**2) / np.sum(noise**2)) * 10 ** (-snr / 20)
    noisy: FloatArray = (signal + scale * noise).astype(np.float32)
    return noisy


def band_limited(samples: FloatArray, rate: int) -> FloatArray:
    """Resample from 16 kHz to a rate in Hz and back; the length stays."""
    there = resampled(samples, SAMPLE_RATE, rate)
    return fitted(resampled(there, rate, SAMPLE_RATE), len(samples))
