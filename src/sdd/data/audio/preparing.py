"""Preparing audio files: each once, to 16 kHz mono FLAC, of which segments are windows.

A source is decoded and resampled once, whole, and no lossy codec is applied a second time.
"""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sdd.data.audio import SAMPLE_RATE
from sdd.data.audio.decoding import Source, mix
from sdd.data.audio.door import DECODING_IMPORTS
from sdd.data.audio.flac_files import write_flac
from sdd.data.audio.resampling import Resampler

PREPARING_IMPORTS = (*DECODING_IMPORTS, "scipy.signal")
"""Of processes that prepare, imported once for all of them."""

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class PreparedSource:
    """What became of a source file.

    Attributes
    ----------
    samples
        Length of the prepared file at 16 kHz.
    source_rate, source_samples
        Rate of the source and its samples per channel, as decoded.
    clipped
        Samples beyond the range of 16 bits, which were limited to it.
    sha256
        Digest of the prepared file.
    remarks
        What a user should know of the source: kind and text of each
        (`sdd.data.audio.remarks.TITLES`).
    """

    samples: int
    source_rate: int
    source_samples: int
    clipped: int
    sha256: str
    remarks: tuple[tuple[str, str], ...] = ()


def prepare_source(source: Path, target: Path) -> PreparedSource:
    """Decode a file, average its channels, resample to 16 kHz and write 16-bit FLAC.

    Resampling is that of `sdd.data.audio.resampling` (none at 16 kHz), rounding is to the nearest
    step. Memory does not grow with the length of the file.

    Parameters
    ----------
    target
        The FLAC to write, all at once or not at all.

    Raises
    ------
    InputError
        If the source cannot be decoded.
    """
    audio = Source(source)
    resampler = Resampler(audio.rate, SAMPLE_RATE)

    def resampled() -> Generator[FloatArray, None, None]:
        for block in audio.blocks():
            mixed = mix(block)
            audio.levels.add_mixed(mixed)
            yield from resampler.push(mixed)
        yield from resampler.finish()

    written = write_flac(target, resampled())
    remarks = tuple((r.kind, r.text) for r in (*audio.remarks, *audio.levels.remarks()))
    return PreparedSource(
        written.samples, audio.rate, audio.samples, written.clipped, written.sha256, remarks
    )
