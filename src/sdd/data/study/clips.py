"""Clips: pieces of recordings without long pauses, and the fakes that stand beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sdd.data.audio import SAMPLE_RATE
from sdd.data.audio.flac_files import write_flac
from sdd.data.study.channels import CHANNELS
from sdd.data.study.matching import (
    finished,
    frame_levels,
    high_passed,
    match,
    shorten_pauses,
)
from sdd.data.study.recordings import Recording
from sdd.data.study.vocoders import VOCODERS
from sdd.data.study.voices import VOICES, Request
from sdd.errors import InputError
from sdd.runtime.digests import text_digest

FloatArray = npt.NDArray[np.float64]

SHORTEST, LONGEST = 1.2, 3.6
"""Seconds of a clip."""
_LEAST_SPREAD_DB = 15.0
"""Between loud frames and quiet ones: noises and tones have less."""
_LETTERS_A_SECOND = 14
_LONGEST_TEXT = 5.0


@dataclass(frozen=True)
class Clip:
    """A piece of a recording.

    Attributes
    ----------
    wave
        ``float64 [T]`` at 16 kHz, high-passed.
    place
        Where it begins, from 0 to 1: the earliest and the latest place there was.
    whole
        Samples of the recording without its long pauses.
    """

    wave: FloatArray
    place: float
    whole: int


def generator_of(seed: int, *names: str) -> np.random.Generator:
    """Return a generator that depends on names alone: on no order, and on no other clip."""
    return np.random.default_rng([seed, int(text_digest("/".join(names))[:16], 16)])


def cut_clip(recording: Recording, seed: int) -> Clip | None:
    """Cut a clip of a recording; None where there is too little speech in it."""
    generator = generator_of(seed, "clip", recording.name)
    speech = shorten_pauses(high_passed(recording.read()))
    if speech.size < SHORTEST * SAMPLE_RATE or not _is_speech(speech):
        return None
    longest = min(LONGEST, speech.size / SAMPLE_RATE)
    size = int(generator.uniform(SHORTEST, longest) * SAMPLE_RATE)
    place = float(generator.random())
    return Clip(_piece(speech, place, size), place, speech.size)


def real_clip(recording: Recording, seed: int) -> FloatArray | None:
    """Return a clip of a recording as it is listened to; None where there is too little speech."""
    clip = cut_clip(recording, seed)
    if clip is None:
        return None
    return finished(clip.wave, generator_of(seed, "real", recording.name))


def fake_clip(
    recording: Recording,
    engine: str,
    texts: Sequence[str],
    folders: Mapping[str, Path],
    seed: int,
) -> tuple[FloatArray, str]:
    """Make the fake that stands beside a clip: as long, and as it in all that is trivial.

    Parameters
    ----------
    engine
        A key of `VOCODERS`, which make it of the clip, or of `VOICES`, which read a text.
    texts
        In the recording's language, in the order in which they are read.
    folders
        Of the packages.

    Returns
    -------
    wave
        ``float64 [T]`` at 16 kHz.
    speaker
        The recording's for a vocoder, else the voice's.

    Raises
    ------
    InputError
        If the recording gives no clip, or an engine fails.
    """
    clip = cut_clip(recording, seed)
    if clip is None:
        raise InputError(f"{recording.name} holds too little speech for a clip.")
    generator = generator_of(seed, "fake", engine, recording.name)
    if engine in VOCODERS:
        wave, speaker = VOCODERS[engine](clip.wave, generator), recording.speaker
    else:
        wave, speaker = _spoken(clip, engine, texts, recording.language, folders, generator)
    matched = match(high_passed(wave), clip.wave)
    sent = high_passed(CHANNELS[recording.channel].send(matched))
    return finished(match(sent, clip.wave), generator), speaker


def write_clip(path: Path, wave: FloatArray) -> None:
    """Write ``float64 [T]`` at 16 kHz as 16-bit FLAC, atomically."""
    write_flac(path, (piece for piece in (wave,)))


def _is_speech(wave: FloatArray) -> bool:
    quiet, loud = np.percentile(frame_levels(wave), [10, 95])
    return bool(loud - quiet >= _LEAST_SPREAD_DB)


def _piece(wave: FloatArray, place: float, size: int) -> FloatArray:
    start = int(place * (wave.size - size))
    return wave[start : start + size]


def _spoken(
    clip: Clip,
    engine: str,
    texts: Sequence[str],
    language: str,
    folders: Mapping[str, Path],
    generator: np.random.Generator,
) -> tuple[FloatArray, str]:
    """Have a text read that lasts about as long as the recording, and cut it at the same place."""
    seconds = min(clip.whole / SAMPLE_RATE, _LONGEST_TEXT)
    chosen: list[str] = []
    for text in texts:
        chosen.append(text)
        if sum(map(len, chosen)) < _LETTERS_A_SECOND * seconds:
            continue
        said = VOICES[engine](Request(" ".join(chosen), language, folders), generator)
        speech = shorten_pauses(high_passed(said.wave))
        if speech.size >= clip.wave.size:
            return _piece(speech, clip.place, clip.wave.size), said.speaker
    raise InputError(
        f"{engine} says too little in {language!r}: {len(texts)} texts last less than "
        f"{clip.wave.size / SAMPLE_RATE:.1f} s. Is the engine installed whole?"
    )
