"""What tests of codecs and conditions send, and how they look at what comes back."""

from functools import cache

import numpy as np

from sdd.data.toy.domains import DOMAINS, utterances


@cache
def speech(seconds: float = 3.0) -> np.ndarray:
    """Speech-like sound, ``float32 [T]``, in steps of 16 bits."""
    real = next(iter(utterances(DOMAINS["fake_or_real"], [seconds], seed=1)))
    samples = np.rint(real.wave()[: round(seconds * 16_000)] * 32_768) / 32_768
    samples.flags.writeable = False
    return samples.astype(np.float32)


def delay(sent: np.ndarray, received: np.ndarray) -> int:
    """Samples by which one comes later than the other, where they are most alike."""
    size = 2 * max(len(sent), len(received))
    spectrum = np.fft.rfft(received, size) * np.conj(np.fft.rfft(sent, size))
    place = int(np.argmax(np.fft.irfft(spectrum, size)))
    return place if place < size // 2 else place - size


def snr(sent: np.ndarray, received: np.ndarray) -> float:
    """Power of what was sent over that of the difference, in dB."""
    sent, received = sent.astype(np.float64), received.astype(np.float64)
    return float(10 * np.log10(np.sum(sent**2) / np.sum((received - sent) ** 2)))
