"""RawBoost written directly from its description (Tak et al., ICASSP 2022), one step at a time.

What `sdd.data.rawboost` is held against: its values, its distribution and its speed.
"""

from dataclasses import dataclass

import numpy as np
from scipy import signal

RATE = 16_000


@dataclass
class Notches:
    """What one multi-notch filter is made of."""

    centres: np.ndarray
    widths: np.ndarray
    taps: np.ndarray
    gain_db: float


def draw_notches(generator, gain_db):
    """Draw as the description reads: one filter after the other, with 10..99 taps made odd."""
    taps = np.array([int(generator.uniform(10, 100)) for _ in range(5)])
    return Notches(
        centres=np.array([generator.uniform(20, 8000) for _ in range(5)]),
        widths=np.array([generator.uniform(100, 1000) for _ in range(5)]),
        taps=np.where(taps % 2 == 0, taps + 1, taps),
        gain_db=gain_db,
    )


def direct_filter(notches):
    product = np.ones(1)
    for centre, width, taps in zip(notches.centres, notches.widths, notches.taps, strict=True):
        low, high = centre - width / 2, centre + width / 2
        low = 1 / 1000 if low <= 0 else low
        high = RATE / 2 - 1 / 1000 if high >= RATE / 2 else high
        band_stop = signal.firwin(int(taps), [low, high], window="hamming", fs=RATE)
        product = np.convolve(band_stop, product)
    _, response = signal.freqz(product, 1, fs=RATE)
    return 10 ** (notches.gain_db / 20) * product / np.abs(response).max()


def direct_filtering(x, taps):
    start = (len(taps) + 1) // 2
    padded = np.pad(x, (0, len(taps) + 1))
    return signal.lfilter(taps, 1, padded)[start : start + len(x)]


def direct_limit(x):
    return x / np.abs(x).max() if np.abs(x).max() > 1 else x


def direct_convolutive(x, filters):
    y = sum(direct_filtering(x**order, taps) for order, taps in enumerate(filters, start=1))
    return direct_limit(y - y.mean())


def direct_impulsive(x, places, factors):
    y = x.copy()
    y[places] = x[places] + 2 * x[places] * factors
    return direct_limit(y)


def direct_stationary(x, noise, taps, snr_db):
    noise = direct_filtering(noise, taps)
    noise = noise / np.linalg.norm(noise) * np.linalg.norm(x) / 10 ** (0.05 * snr_db)
    return x + noise


def direct_rawboost(x, algorithm, generator):
    """All of it, in float64, with draws in the order of the description."""
    if algorithm in (1, 4, 5):
        gains = [0.0, *(generator.uniform(-20, -5) for _ in range(4))]
        x = direct_convolutive(x, [direct_filter(draw_notches(generator, gain)) for gain in gains])
    if algorithm in (2, 4, 5):
        count = int(len(x) * generator.uniform(0, 10) / 100)
        places = generator.permutation(len(x))[:count]
        factors = (2 * generator.random(count) - 1) * (2 * generator.random(count) - 1)
        x = direct_impulsive(x, places, factors)
    if algorithm in (3, 4):
        taps = direct_filter(draw_notches(generator, 0.0))
        noise = generator.standard_normal(len(x))
        x = direct_stationary(x, noise, taps, generator.uniform(10, 40))
    return x
