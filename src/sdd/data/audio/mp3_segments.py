"""Segments of mp3 sources, each encoded as an mp3 file again, as the authors' test sets are.

The released script decodes a source at its own rate, averages its channels, cuts it into windows
and writes each with libsndfile, as mp3 at that rate (mono, at the quality that libsndfile takes by
itself). So it is done here, with the same library.
"""

from collections.abc import Generator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sdd.data.audio import SAMPLE_RATE
from sdd.data.audio.codecs import MP3_FILE
from sdd.data.audio.coding import fitted, read_sound, resampled, written
from sdd.data.audio.decoding import Source, mix
from sdd.errors import InputError

MP3_SUFFIX = ".mp3"
MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
"""Sample rates that mp3 has, in Hz."""

FloatArray = npt.NDArray[np.float32]
Bounds = Sequence[tuple[int, int]]


def mp3_segments(source: Path, bounds: Bounds) -> Generator[FloatArray, None, None]:
    """Encode windows of a source as mp3 at its own rate, and decode them to 16 kHz.

    Parameters
    ----------
    bounds
        First sample and the one past the last of each window, at 16 kHz, in their order.

    Yields
    ------
    ndarray
        ``float32``, as long as the window at 16 kHz.

    Raises
    ------
    InputError
        If the source cannot be decoded, or ends before a window begins.
    """
    audio = Source(source)
    at_own_rate = [(_at(start, audio.rate), _at(end, audio.rate)) for start, end in bounds]
    for (start, end), window in zip(bounds, _windows(audio, at_own_rate), strict=True):
        decoded, rate = read_sound(
            written(window, audio.rate, MP3_FILE.container, MP3_FILE.encoder)
        )
        yield fitted(resampled(decoded, rate, SAMPLE_RATE), end - start)


def _at(position: int, rate: int) -> int:
    """Return the nearest position at a rate of one at 16 kHz, in whole numbers."""
    return (2 * position * rate + SAMPLE_RATE) // (2 * SAMPLE_RATE)


def _windows(audio: Source, bounds: Bounds) -> Generator[FloatArray, None, None]:
    """Cut windows, in their order, out of a source that is decoded block by block."""
    blocks = audio.blocks()
    held = np.zeros(0, np.float32)
    first = 0  # of what is held
    for start, end in bounds:
        waiting, count = [held], first + len(held)
        while count < end and (block := next(blocks, None)) is not None:
            mixed = mix(block)
            waiting.append(mixed)
            count += len(mixed)
        held = np.concatenate(waiting)
        if first + len(held) <= start or start < first:
            raise InputError(
                f"{audio.path} has no samples {start} to {end}: it is not the file that the "
                "segments were cut for; prepare the corpus again."
            )
        held, first = held[start - first :], start
        # The last window may end a sample beyond the file, by rounding.
        yield held[: end - start]
