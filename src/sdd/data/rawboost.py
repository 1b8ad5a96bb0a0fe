"""RawBoost: random filtering and noise on the raw waveform, for training only.

Source: Tak, Kamble, Patino, Todisco and Evans, "RawBoost: a raw data boosting and augmentation
method applied to automatic speaker verification anti-spoofing", ICASSP 2022. Every random choice
comes from an explicit numpy generator. The distribution is that of the published implementation;
the speed is not: a filter bank is designed in one vectorised step, and the five orders are
filtered by FFT in blocks and summed before the only inverse transform.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sdd.data.audio import SAMPLE_RATE

FloatArray = npt.NDArray[np.floating]
Waveform = npt.NDArray[np.float32]

ALGORITHMS = (0, 1, 2, 3, 4, 5)

# The two edges of a stop band keep this distance (Hz) from 0 and from half the sample rate.
_EDGE_MARGIN = 1e-3
# Number of frequencies, from 0 to just below half the sample rate, at which the peak of a
# response is looked for (what scipy.signal.freqz takes by default).
_RESPONSE_POINTS = 512
# Samples of one transform when filtering.
_BLOCK = 4096


@dataclass(frozen=True)
class RawBoostSettings:
    """Parameters of RawBoost, at their published values; every range is sampled uniformly.

    Attributes
    ----------
    notches
        Stop bands in one filter.
    centre_hz, width_hz
        Ranges of the centre and the width of a stop band.
    taps
        Range of the taps of one stop band; cut to an integer, then made odd by adding 1.
    gain_db
        Range of the peak response of the filter of order 1 (and of the stationary noise).
    higher_order_shift_db
        What is added to the lower and to the upper end of `gain_db` from order 2 on.
    orders
        The convolutive noise sums the filtered powers 1, 2, ..., `orders` of the waveform.
    impulse_share_percent
        Range of the share of samples that receive an impulse.
    impulse_gain
        Factor of the impulses.
    snr_db
        Range of the signal-to-noise ratio of the stationary noise.
    """

    notches: int = 5
    centre_hz: tuple[float, float] = (20.0, 8000.0)
    width_hz: tuple[float, float] = (100.0, 1000.0)
    taps: tuple[float, float] = (10.0, 100.0)
    gain_db: tuple[float, float] = (0.0, 0.0)
    higher_order_shift_db: tuple[float, float] = (-5.0, -20.0)
    orders: int = 5
    impulse_share_percent: tuple[float, float] = (0.0, 10.0)
    impulse_gain: float = 2.0
    snr_db: tuple[float, float] = (10.0, 40.0)


DEFAULT_SETTINGS = RawBoostSettings()


def rawboost(
    waveform: Waveform,
    algorithm: int,
    generator: np.random.Generator,
    *,
    settings: RawBoostSettings = DEFAULT_SETTINGS,
    sample_rate: int = SAMPLE_RATE,
) -> Waveform:
    """Augment a waveform by one of the RawBoost algorithms.

    Parameters
    ----------
    waveform
        ``float32 [T]``, full scale 1.
    algorithm
        0 none (the waveform itself is returned), 1 convolutive, 2 impulsive, 3 stationary,
        4 the three in series, 5 convolutive then impulsive (the paper's choice).
    generator
        Source of every random choice; the same state gives the same output.

    Returns
    -------
    ``float32 [T]``
        As long as the waveform.

    Raises
    ------
    ValueError
        If the algorithm is unknown, the waveform is not one non-empty channel, or the stop bands
        reach beyond half the sample rate.
    """
    if algorithm not in ALGORITHMS:
        raise ValueError(f"RawBoost algorithm is one of {ALGORITHMS}, not {algorithm!r}")
    if waveform.ndim != 1 or waveform.size == 0:
        raise ValueError(f"RawBoost takes one non-empty channel [T], not {waveform.shape}")
    if settings.centre_hz[1] > sample_rate / 2:
        raise ValueError(
            f"a stop band centred at {settings.centre_hz[1]} Hz does not fit the sample rate "
            f"{sample_rate} Hz; lower the upper end of centre_hz"
        )
    augmented = waveform.astype(np.float32, copy=False)
    # In this order in 4 and 5, too, as the released code chains them.
    if algorithm in (1, 4, 5):
        augmented = _convolutive(augmented, generator, settings, sample_rate)
    if algorithm in (2, 4, 5):
        augmented = _impulsive(augmented, generator, settings)
    if algorithm in (3, 4):
        augmented = _stationary(augmented, generator, settings, sample_rate)
    return augmented


def band_stop_filters(
    taps: npt.NDArray[np.integer],
    low_hz: FloatArray,
    high_hz: FloatArray,
    sample_rate: float,
) -> npt.NDArray[np.float64]:
    """Design band-stop FIR filters by the window method, all at once.

    Filter i is ``scipy.signal.firwin(taps[i], [low_hz[i], high_hz[i]], window="hamming",
    fs=sample_rate)``: with m counted from the centre tap and edges l, h relative to half the
    sample rate, ``(l sinc(l m) + sinc(m) - h sinc(h m)) * hamming(m)``, scaled to unit gain at DC.

    Parameters
    ----------
    taps
        ``int [*S]``, odd, at least 3.
    low_hz, high_hz
        ``float [*S]``, edges of the stop bands, with 0 < low < high < sample_rate / 2, all in Hz.

    Returns
    -------
    ``float64 [*S, max(taps)]``
        Filter i in its first `taps[i]` places, zeros behind.
    """
    place = np.arange(int(taps.max()))
    half = ((taps - 1) // 2)[..., None]
    low = (low_hz * 2 / sample_rate)[..., None]
    high = (high_hz * 2 / sample_rate)[..., None]
    m = place - half
    ideal = low * np.sinc(low * m) + (m == 0) - high * np.sinc(high * m)
    window = 0.54 + 0.46 * np.cos(np.pi * m / half)
    response = np.where(place < taps[..., None], ideal * window, 0.0)
    normalised: npt.NDArray[np.float64] = response / response.sum(axis=-1, keepdims=True)
    return normalised


def multi_notch_filters(
    gains_db: FloatArray,
    generator: np.random.Generator,
    settings: RawBoostSettings,
    sample_rate: float,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Draw filters, each the convolution of several random band stops.

    Parameters
    ----------
    gains_db
        ``float [N]``, the peak response of each filter.
    generator
        Source of the centres, widths and taps.

    Returns
    -------
    filters
        ``float64 [N, L]``: zeros behind each filter's last tap.
    lengths
        ``int64 [N]``: the (odd) taps of each filter.
    """
    shape = (len(gains_db), settings.notches)
    centre = generator.uniform(*settings.centre_hz, size=shape)
    width = generator.uniform(*settings.width_hz, size=shape)
    taps = generator.uniform(*settings.taps, size=shape).astype(np.int64) // 2 * 2 + 1
    highest = sample_rate / 2 - _EDGE_MARGIN
    low = np.clip(centre - width / 2, _EDGE_MARGIN, highest)
    high = np.clip(centre + width / 2, _EDGE_MARGIN, highest)
    band_stops = band_stop_filters(taps, low, high, sample_rate)
    # The band stops are convolved by multiplying their responses, on a grid that is fine enough to
    # find the peak and long enough to hold the longest filter without wrapping around.
    lengths = taps.sum(axis=-1) - (settings.notches - 1)
    size = 2 * _RESPONSE_POINTS
    while size < lengths.max():
        size *= 2
    response = np.fft.rfft(band_stops, size).prod(axis=1)
    peak = np.abs(response[:, :-1]).max(axis=-1)
    scale = 10 ** (np.asarray(gains_db) / 20) / peak
    filters = np.fft.irfft(response * scale[:, None], size)[:, : lengths.max()]
    # What the transform leaves behind the last tap is rounding noise.
    filters[np.arange(filters.shape[1]) >= lengths[:, None]] = 0.0
    return filters, lengths


def _convolutive(
    waveform: Waveform,
    generator: np.random.Generator,
    settings: RawBoostSettings,
    sample_rate: float,
) -> Waveform:
    """Apply linear and non-linear convolutive noise: sum over i of (waveform ** i) * filter_i."""
    low, high = settings.gain_db
    shift_low, shift_high = settings.higher_order_shift_db
    first = generator.uniform(low, high, size=min(settings.orders, 1))
    # The shifted ends may be the other way round (-5 and -20 dB are): a uniform draw between
    # them is the same either way.
    ends = sorted((low + shift_low, high + shift_high))
    higher = generator.uniform(ends[0], ends[1], size=max(settings.orders - 1, 0))
    filters, lengths = multi_notch_filters(
        np.concatenate([first, higher]), generator, settings, sample_rate
    )
    powers = np.empty((settings.orders, waveform.size), dtype=np.float32)
    powers[0] = waveform
    for order in range(1, settings.orders):
        np.multiply(powers[order - 1], waveform, out=powers[order])
    mixed = _filter_and_sum(powers, filters, lengths)
    return _limit_peak(mixed - mixed.mean(dtype=np.float64).astype(np.float32))


def _impulsive(
    waveform: Waveform, generator: np.random.Generator, settings: RawBoostSettings
) -> Waveform:
    """Add signal-dependent impulses: x + gain * x * u * v at a random share of the samples."""
    share = generator.uniform(*settings.impulse_share_percent) / 100
    count = int(waveform.size * share)
    places = generator.choice(waveform.size, size=count, replace=False, shuffle=False)
    factors = generator.uniform(-1, 1, size=(2, count)).prod(axis=0)
    boosted = waveform.copy()
    boosted[places] *= (1 + settings.impulse_gain * factors).astype(np.float32)
    return _limit_peak(boosted)


def _stationary(
    waveform: Waveform,
    generator: np.random.Generator,
    settings: RawBoostSettings,
    sample_rate: float,
) -> Waveform:
    """Add stationary noise: filtered white noise, at a random signal-to-noise ratio."""
    noise = generator.standard_normal((1, waveform.size), dtype=np.float32)
    gain = generator.uniform(*settings.gain_db, size=1)
    filters, lengths = multi_notch_filters(gain, generator, settings, sample_rate)
    coloured = _filter_and_sum(noise, filters, lengths)
    snr_db = generator.uniform(*settings.snr_db)
    # 20 log10 of the ratio of both norms is the signal-to-noise ratio.
    level = np.linalg.norm(waveform) / np.linalg.norm(coloured) / 10 ** (snr_db / 20)
    return waveform + np.float32(level) * coloured


def _filter_and_sum(
    signals: Waveform, filters: npt.NDArray[np.float64], lengths: npt.NDArray[np.int64]
) -> Waveform:
    """Filter signal i of ``float [N, T]`` by filter i and add up, one sample past their delays.

    The full convolution with a filter of L taps (odd, so delayed by (L - 1) / 2) is cut to T
    samples from sample (L + 1) / 2 on, as published. Overlap-save: blocks that fit the cache are
    several times faster than one long transform, and the sum is taken before the inverse.
    """
    # Costs 0.3 s of CPU, which only processes that augment should pay.
    from scipy import fft

    # Filters are centred in one length, so that one start fits all.
    starts = (lengths + 1) // 2
    start = int(starts.max())
    centred = np.zeros((len(filters), 2 * start - 1), dtype=np.float32)
    for row, taps, own in zip(centred, filters, starts, strict=True):
        row[start - own : start + own - 1] = taps[: 2 * own - 1]
    overlap = centred.shape[1] - 1
    block = max(_BLOCK, 2 ** (4 * overlap).bit_length())
    hop = block - overlap
    samples = signals.shape[1]
    count = -(-samples // hop)
    padded = np.zeros((len(signals), (count - 1) * hop + block), dtype=np.float32)
    # Block b gives the output from sample b * hop on, which looks back start - 2 samples.
    padded[:, start - 2 : start - 2 + samples] = signals
    blocks = np.lib.stride_tricks.sliding_window_view(padded, block, axis=1)[:, ::hop]
    responses = fft.rfft(centred, block)
    spectrum = fft.rfft(blocks[0]) * responses[0]
    for signal_blocks, response in zip(blocks[1:], responses[1:], strict=True):
        spectrum += fft.rfft(signal_blocks) * response
    filtered: Waveform = fft.irfft(spectrum, block)[:, overlap:].reshape(-1)[:samples]
    return filtered


def _limit_peak(waveform: Waveform) -> Waveform:
    """Divide by the peak where that exceeds full scale."""
    peak = np.abs(waveform).max()
    return waveform / peak if peak > 1 else waveform
