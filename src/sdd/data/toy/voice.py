"""A parametric source-filter voice: glottal pulses and noise through moving resonances.

The glottal source is Rosenberg's pulse [1]_ with a return phase (a one-pole low-pass filter, as in
the LF model), jitter, shimmer and aspiration noise that follows the glottal opening. The vocal
tract is a cascade of resonators, as in Klatt's synthesiser [2]_; fricatives and bursts are noise
through a resonance of their own.

References
----------
.. [1] A. E. Rosenberg, "Effect of glottal pulse shape on the quality of natural vowels",
   J. Acoust. Soc. Am. 49, 1971.
.. [2] D. H. Klatt, "Software for a cascade/parallel formant synthesizer", J. Acoust. Soc. Am. 67,
   1980.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

from sdd.data.audio import SAMPLE_RATE
from sdd.data.toy.frames import ComplexArray, FloatArray, filter_frames
from sdd.errors import InputError

HOP = 80
"""Samples between two values of a control track: 5 ms."""

TRANSFORM = 512
OVERSAMPLING = 4
FORMANT_BANDWIDTHS = np.array([70.0, 90.0, 130.0, 200.0])
HIGHER_FORMANTS = np.array([4500.0, 5500.0, 6400.0])
HIGHER_BANDWIDTHS = np.array([300.0, 500.0, 800.0])


@dataclass(frozen=True)
class Speaker:
    """Parameters that tell one voice from another.

    Attributes
    ----------
    f0
        Median fundamental frequency, Hz.
    f0_range
        Size of accents and declination, as a factor on the tracks' excursions.
    tract_scale
        Formant frequencies relative to a tract of 17 cm (shorter tracts are above 1).
    breathiness
        Aspiration noise relative to the glottal pulses.
    tilt
        Corner frequency of the glottal return phase, Hz (lower is softer).
    open_quotient
        Share of a cycle in which the glottis is open.
    jitter, shimmer
        Standard deviation of cycle length and cycle amplitude, relative.
    rate
        Speaking rate relative to about 4.5 syllables per second.
    """

    f0: float
    f0_range: float
    tract_scale: float
    breathiness: float
    tilt: float
    open_quotient: float
    jitter: float
    shimmer: float
    rate: float


def draw_speaker(generator: np.random.Generator) -> Speaker:
    """Draw a speaker; half have a long vocal tract and a low voice, half a short one and a high."""
    short_tract = generator.random() < 0.5
    return Speaker(
        f0=float(generator.uniform(165, 240) if short_tract else generator.uniform(85, 140)),
        f0_range=float(generator.uniform(0.6, 1.4)),
        tract_scale=float(
            generator.uniform(1.08, 1.2) if short_tract else generator.normal(1, 0.04)
        ),
        breathiness=float(generator.uniform(0.03, 0.12)),
        tilt=float(generator.uniform(900, 2600)),
        open_quotient=float(generator.uniform(0.5, 0.75)),
        jitter=float(generator.uniform(0.006, 0.018)),
        shimmer=float(generator.uniform(0.04, 0.1)),
        rate=float(generator.uniform(0.85, 1.2)),
    )


@dataclass(frozen=True)
class Tracks:
    """Control tracks of an utterance, one value every 5 ms.

    Attributes
    ----------
    f0
        ``float64 [frames]``: fundamental frequency in Hz; defined in unvoiced frames too.
    formants
        ``float64 [frames, 4]``: F1 to F4 of a 17 cm tract in Hz.
    voicing, aspiration, frication
        ``float64 [frames]``: amplitudes of the three sources, linear.
    centre, width
        ``float64 [frames]``: resonance of the frication noise in Hz.
    """

    f0: FloatArray
    formants: FloatArray
    voicing: FloatArray
    aspiration: FloatArray
    frication: FloatArray
    centre: FloatArray
    width: FloatArray

    def __len__(self) -> int:
        return int(self.f0.size)


def _at_samples(track: FloatArray, samples: int, rate_factor: int = 1) -> FloatArray:
    """Interpolate a control track to `samples` values, `rate_factor` of them per audio sample."""
    positions = np.arange(samples) / (HOP * rate_factor)
    return np.interp(positions, np.arange(track.size), track)


def glottal_source(
    f0: FloatArray, speaker: Speaker, samples: int, generator: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Synthesise the derivative of the glottal flow, and the glottal opening.

    Computed at four times the sampling rate, so that little of the pulses' spectrum folds back.

    Parameters
    ----------
    f0
        ``float64 [frames]``: fundamental frequency in Hz, one value every 5 ms.
    speaker
        Its open quotient, jitter, shimmer and return phase are used.

    Returns
    -------
    source
        ``float64 [samples]``: flow derivative, about unit root mean square.
    opening
        ``float64 [samples]``: flow between 0 and 1.
    """
    fine = samples * OVERSAMPLING
    step = _at_samples(f0, fine, OVERSAMPLING) / (SAMPLE_RATE * OVERSAMPLING)
    nominal = np.cumsum(step).astype(np.int64)
    cycles = int(nominal[-1]) + 2
    # The nominal cycle count says which cycle a sample is in; each has its own length error.
    step *= 1 + speaker.jitter * generator.standard_normal(cycles)[nominal]
    phase = generator.random() + np.cumsum(step)
    cycle = phase.astype(np.int64)
    phase -= cycle
    amplitudes = 1 + speaker.shimmer * generator.standard_normal(int(cycle[-1]) + 1)

    # Rosenberg's pulse: a half cosine up and a quarter down, twice as long up as down.
    rise = speaker.open_quotient * 2 / 3
    fall = speaker.open_quotient / 3
    rising = phase < rise
    angle = np.where(rising, np.pi / rise * phase, np.pi / (2 * fall) * (phase - rise))
    sine, cosine = np.sin(angle), np.cos(angle)
    open_phase = phase < speaker.open_quotient
    derivative = np.where(rising, np.pi / (2 * rise) * sine, -np.pi / (2 * fall) * sine)
    derivative *= open_phase * amplitudes[cycle]
    flow = np.where(rising, 0.5 * (1 - cosine), cosine) * open_phase

    # The return phase: the glottis does not close at once, which tilts the spectrum down.
    pole = np.exp(-2 * np.pi * speaker.tilt / (SAMPLE_RATE * OVERSAMPLING))
    derivative = scipy.signal.lfilter([1 - pole], [1.0, -pole], derivative)
    source = scipy.signal.resample_poly(derivative, 1, OVERSAMPLING)
    typical = np.pi * np.sqrt(
        (1 / rise + 1 / fall) / 8
    )  # its root mean square without return phase
    return source / typical, flow[::OVERSAMPLING]


def _denominator(frequencies: FloatArray, bandwidths: FloatArray) -> FloatArray:
    """Multiply second-order resonators into one polynomial in z^-1 per frame.

    From ``float64 [frames, N]`` and ``float64 [N]`` or ``float64 [frames, N]``, with N resonances,
    to ``float64 [frames, 2 * N + 1]``.
    """
    radius = np.exp(-np.pi * np.broadcast_to(bandwidths, frequencies.shape) / SAMPLE_RATE)
    linear = -2 * radius * np.cos(2 * np.pi * frequencies / SAMPLE_RATE)
    product = np.ones((frequencies.shape[0], 1))
    for number in range(frequencies.shape[1]):
        longer = np.pad(product, ((0, 0), (0, 2)))
        longer[:, 1:-1] += linear[:, number, None] * product
        longer[:, 2:] += radius[:, number, None] ** 2 * product
        product = longer
    return product


def tract_response(formants: FloatArray, tract_scale: float) -> ComplexArray:
    """Compute the vocal tract's response: F1 to F4, fixed higher formants, unit gain at 0 Hz.

    Parameters
    ----------
    formants
        ``float64 [frames, 4]``, F1 to F4 in Hz.
    tract_scale
        Factor on all formants.

    Returns
    -------
    ``complex128 [frames, 257]``
        At multiples of 31.25 Hz.
    """
    frames = formants.shape[0]
    higher = np.broadcast_to(HIGHER_FORMANTS, (frames, HIGHER_FORMANTS.size))
    frequencies = np.hstack([formants, higher]) * tract_scale
    bandwidths = np.concatenate([FORMANT_BANDWIDTHS, HIGHER_BANDWIDTHS]) * tract_scale
    polynomial = _denominator(frequencies, bandwidths)
    gain = polynomial.sum(axis=1, keepdims=True)
    response: ComplexArray = gain / scipy.fft.rfft(polynomial, n=TRANSFORM, axis=1)
    return response


def frication_response(centre: FloatArray, width: FloatArray) -> ComplexArray:
    """Compute the response of the resonance of fricatives and bursts, of unit peak.

    Parameters
    ----------
    centre, width
        ``float64 [frames]``, of the resonance in Hz.

    Returns
    -------
    ``complex128 [frames, 257]``
        At multiples of 31.25 Hz.
    """
    poles = scipy.fft.rfft(_denominator(centre[:, None], width[:, None]), n=TRANSFORM, axis=1)
    zero = scipy.fft.rfft([1.0, -0.97], n=TRANSFORM)
    response: ComplexArray = zero / poles
    response /= np.abs(response).max(axis=1, keepdims=True)
    return response


def render(
    tracks: Tracks, speaker: Speaker, samples: int, generator: np.random.Generator
) -> FloatArray:
    """Synthesise the waveform that control tracks describe.

    Parameters
    ----------
    tracks
        At least ceil(samples / 80) + 1 frames.
    samples
        Of the result, at 16 kHz.

    Returns
    -------
    ``float64 [samples]``
        With a peak of 0.9.

    Raises
    ------
    InputError
        If `samples` is not positive or the tracks are too short.
    """
    if samples < 1:
        raise InputError(f"samples is {samples}: an utterance needs at least one sample.")
    frames = -(-samples // HOP) + 1
    if len(tracks) < frames:
        raise InputError(
            f"The tracks hold {len(tracks)} frames, {samples} samples need {frames}: "
            "give longer tracks or fewer samples."
        )
    source, opening = glottal_source(tracks.f0, speaker, samples, generator)
    noise: NDArray[np.float64] = generator.standard_normal((2, samples))
    voicing = _at_samples(tracks.voicing, samples)
    breath = speaker.breathiness * voicing * (0.3 + opening)
    breath += 0.15 * _at_samples(tracks.aspiration, samples)
    turbulence = scipy.signal.lfilter([1.0], [1.0, -0.5], noise[0]) * breath
    # A mild lift of the high frequencies brings the long-term spectrum near that of read speech.
    excitation = scipy.signal.lfilter([2.0, -1.0], [1.0], source * voicing + turbulence)
    wave = filter_frames(excitation, tract_response(tracks.formants, speaker.tract_scale), HOP)
    frication = 2.5 * noise[1] * _at_samples(tracks.frication, samples)
    wave += filter_frames(frication, frication_response(tracks.centre, tracks.width), HOP)
    return wave * (0.9 / max(float(np.abs(wave).max()), 1e-9))
