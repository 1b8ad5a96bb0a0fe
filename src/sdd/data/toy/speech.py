"""Random speech-like utterances: syllables, accents, phrases and pauses as control tracks."""

from dataclasses import dataclass

import numpy as np
import scipy.ndimage

from sdd.data.audio import SAMPLE_RATE
from sdd.data.toy.frames import FloatArray
from sdd.data.toy.voice import HOP, Speaker, Tracks, render
from sdd.errors import InputError

FRAME_MS = 1000 * HOP / SAMPLE_RATE

VOWELS = np.array(
    [
        # F1, F2, F3, F4 in Hz of a tract of about 17 cm
        [280, 2250, 2900, 3500],  # i
        [400, 1950, 2550, 3500],  # ɪ
        [480, 1900, 2500, 3450],  # e
        [550, 1780, 2500, 3450],  # ɛ
        [690, 1650, 2420, 3400],  # æ
        [730, 1150, 2450, 3400],  # ɑ
        [570, 850, 2420, 3350],  # ɔ
        [480, 950, 2350, 3300],  # o
        [310, 880, 2250, 3300],  # u
        [620, 1200, 2400, 3400],  # ʌ
        [500, 1450, 2420, 3400],  # ə
        [480, 1330, 1700, 3300],  # ɝ
    ],
    dtype=np.float64,
)


@dataclass(frozen=True)
class Piece:
    """A stretch of speech with constant targets; formants of None are those of the vowel."""

    duration_ms: float
    voicing: float = 0.0
    aspiration: float = 0.0
    frication: float = 0.0
    centre: float = 4000.0
    width: float = 2000.0
    formants: tuple[float, float, float, float] | None = None


def _stop(centre: float, width: float, voiced: bool, f2: float) -> tuple[Piece, ...]:
    locus = (250.0, f2, 2500.0, 3400.0)
    if voiced:
        return (
            Piece(55, voicing=0.12, formants=locus),
            Piece(10, voicing=0.1, frication=0.35, centre=centre, width=width, formants=locus),
        )
    return (
        Piece(65, formants=locus),
        Piece(12, frication=0.6, centre=centre, width=width, formants=locus),
        Piece(35, aspiration=0.9),
    )


def _nasal(f2: float) -> tuple[Piece, ...]:
    return (Piece(65, voicing=0.45, formants=(260.0, f2, 2300.0, 3300.0)),)


def _fricative(level: float, centre: float, width: float, voicing: float) -> tuple[Piece, ...]:
    length = 70 if voicing else 95
    return (Piece(length, voicing=voicing, frication=level, centre=centre, width=width),)


def _approximant(f1: float, f2: float, f3: float) -> tuple[Piece, ...]:
    return (Piece(60, voicing=0.6, formants=(f1, f2, f3, 3400.0)),)


CONSONANTS: tuple[tuple[Piece, ...], ...] = (
    _stop(900, 900, False, 900),  # p
    _stop(4300, 1600, False, 1800),  # t
    _stop(1900, 700, False, 1600),  # k
    _stop(800, 900, True, 900),  # b
    _stop(4000, 1600, True, 1800),  # d
    _stop(1800, 700, True, 1600),  # g
    _fricative(0.45, 6000, 1700, 0.0),  # s
    _fricative(0.45, 3100, 1100, 0.0),  # ʃ
    _fricative(0.12, 5500, 5000, 0.0),  # f
    _fricative(0.2, 5900, 1800, 0.35),  # z
    _fricative(0.07, 5000, 5000, 0.4),  # v
    _nasal(1000),  # m
    _nasal(1600),  # n
    _approximant(360, 1100, 2700),  # l
    _approximant(340, 1200, 1600),  # r
    _approximant(300, 750, 2200),  # w
    _approximant(290, 2200, 2900),  # j
    (Piece(60, aspiration=0.8),),  # h
)


class _Script:
    """An utterance to be spoken: rows of targets with their durations, and accents over them."""

    def __init__(self) -> None:
        self.rows: list[list[float]] = []
        self.frames: list[int] = []
        self.f0_bumps: list[tuple[float, float, float]] = []  # centre and width in frames, size

    @property
    def length(self) -> int:
        return sum(self.frames)

    def add(self, piece: Piece, vowel: FloatArray, stretch: float, loudness: float = 1.0) -> None:
        formants = vowel if piece.formants is None else piece.formants
        sources = (piece.voicing, piece.aspiration, piece.frication)
        levels = [loudness * level for level in sources]
        self.rows.append([*formants, *levels, piece.centre, piece.width])
        self.frames.append(max(1, round(piece.duration_ms * stretch / FRAME_MS)))

    def pause(self, duration_ms: float) -> None:
        self.add(Piece(duration_ms), VOWELS[10], 1.0)


def _add_syllable(
    script: _Script, rate: float, final: bool, loudness: float, generator: np.random.Generator
) -> None:
    nucleus = generator.integers(len(VOWELS), size=2)
    start, end = VOWELS[nucleus] * generator.normal(1, 0.04, size=(2, 4))
    if generator.random() < 0.85:
        for piece in CONSONANTS[generator.integers(len(CONSONANTS))]:
            script.add(piece, start, generator.uniform(0.8, 1.2) / rate, loudness)
    length = generator.uniform(70, 150) * (1.5 if final else 1.0)
    if generator.random() < 0.45:
        accent = generator.uniform(0.06, 0.22) * (1 if generator.random() < 0.8 else -1)
        script.f0_bumps.append((script.length + length / (2 * FRAME_MS), 16 / rate, accent))
        loudness *= 1.2
    if generator.random() < 0.3:  # a diphthong
        script.add(Piece(length * 0.6, voicing=1.0), start, 1 / rate, loudness)
        script.add(Piece(length * 0.6, voicing=0.85), end, 1 / rate, loudness)
    else:
        script.add(Piece(length, voicing=1.0), start, 1 / rate, loudness)
    if generator.random() < 0.3:
        for piece in CONSONANTS[generator.integers(len(CONSONANTS))]:
            script.add(piece, start, generator.uniform(0.8, 1.1) / rate, 0.8 * loudness)


def _smooth(track: FloatArray, milliseconds: float) -> FloatArray:
    smoothed: FloatArray = scipy.ndimage.gaussian_filter1d(
        track, milliseconds / FRAME_MS, axis=0, mode="nearest"
    )
    return smoothed


def random_tracks(speaker: Speaker, samples: int, generator: np.random.Generator) -> Tracks:
    """Draw the control tracks of an utterance: phrases of syllables, separated by pauses.

    Parameters
    ----------
    speaker
        Its median and range of F0 and its speaking rate are used.
    samples
        Length of the utterance at 16 kHz.

    Returns
    -------
    Tracks
        ceil(samples / 80) + 1 frames.
    """
    frames = -(-samples // HOP) + 1
    tail = round(generator.uniform(60, 200) / FRAME_MS)
    script, baseline = _phrases(speaker, frames, tail, generator)
    targets = np.repeat(np.array(script.rows), script.frames, axis=0)[:frames]
    targets = np.pad(targets, ((0, frames - targets.shape[0]), (0, 0)), mode="edge")
    targets[max(frames - tail, 0) :, 4:7] = 0.0

    # Pitch: the phrases' declination, accents as bumps over it, and a slow drift.
    time = np.arange(frames)
    excursion = _smooth(baseline, 40)
    for centre, width, size in script.f0_bumps:
        excursion += size * np.exp(-0.5 * ((time - centre) / width) ** 2)
    drift = _smooth(generator.standard_normal(frames), 60)
    excursion += 0.02 * drift / max(float(drift.std()), 1e-9)
    # Articulators are slower than sources: formants glide over 18 ms, a stop closes within 6.
    sources = _smooth(targets[:, 4:7], 6)
    return Tracks(
        f0=speaker.f0 * np.exp(speaker.f0_range * excursion),
        formants=_smooth(targets[:, :4], 18),
        voicing=sources[:, 0],
        aspiration=sources[:, 1],
        frication=sources[:, 2],
        centre=targets[:, 7],
        width=targets[:, 8],
    )


def _phrases(
    speaker: Speaker, frames: int, tail: int, generator: np.random.Generator
) -> tuple[_Script, FloatArray]:
    """Draw phrases until all frames but the silent tail are full.

    Each falls in loudness and, as a rule, in pitch; one in seven rises at its end, as a question
    does. Also returns that course of pitch, ``float64 [frames]``.
    """
    script = _Script()
    baseline = np.zeros(frames)
    script.pause(generator.uniform(60, 200))
    while script.length < frames - tail:
        begin = script.length
        syllables = int(generator.integers(4, 11))
        loudness = generator.uniform(0.75, 1.0)
        for number in range(syllables):
            level = loudness * (1 - 0.3 * number / syllables)
            _add_syllable(script, speaker.rate, number == syllables - 1, level, generator)
            if script.length >= frames - tail:
                break
        end = min(script.length, frames)
        final = generator.uniform(0.05, 0.15) if generator.random() < 0.15 else -0.16
        baseline[begin:end] = np.linspace(generator.uniform(0.08, 0.16), final, max(end - begin, 0))
        script.pause(generator.uniform(120, 380))
    return script, baseline


def synthesise(speaker: Speaker, duration: float, generator: np.random.Generator) -> FloatArray:
    """Synthesise a random utterance.

    Returns
    -------
    ``float64 [round(duration * SAMPLE_RATE)]``
        With a peak of 0.9.

    Raises
    ------
    InputError
        If the duration is not between 0.1 s and one hour.
    """
    if not 0.1 <= duration <= 3600:
        raise InputError(f"duration is {duration} s: an utterance has 0.1 to 3600 s.")
    samples = round(duration * SAMPLE_RATE)
    return render(random_tracks(speaker, samples, generator), speaker, samples, generator)
