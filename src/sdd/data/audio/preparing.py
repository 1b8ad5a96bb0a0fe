"""Preparing audio files: each once, to 16 kHz mono FLAC, of which segments are windows.

A source is decoded and resampled once, whole, and no lossy codec is applied a second time.
"""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from sdd.data.audio import SAMPLE_RATE
from sdd.data.audio.decoding import Source, mix
from sdd.data.audio.door import DECODING_IMPORTS
from sdd.data.audio.resampling import Resampler
from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.digests import file_digest

PREPARING_IMPORTS = (*DECODING_IMPORTS, "scipy.signal")
"""Of processes that prepare, imported once for all of them."""

_FULL_SCALE = 32_768

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

    # Pulled by the writer below, block by block, so that no more than a block is in memory.
    def resampled() -> Generator[FloatArray, None, None]:
        for block in audio.blocks():
            mixed = mix(block)
            audio.levels.add_mixed(mixed)
            yield from resampler.push(mixed)
        yield from resampler.finish()

    samples = clipped = 0
    with closing(resampled()) as pieces, atomic_path(target) as temporary:
        with soundfile.SoundFile(
            temporary,
            "w",
            SAMPLE_RATE,
            channels=1,
            format="FLAC",
            subtype="PCM_16",
            compression_level=1.0,  # a per cent less disk, at no time that counts
        ) as file:
            for piece in pieces:
                # Resampling and lossy codecs overshoot full scale: cut, and counted.
                rounded = np.rint(piece * np.float32(_FULL_SCALE))
                limited = np.clip(rounded, -_FULL_SCALE, _FULL_SCALE - 1)
                clipped += int(np.count_nonzero(rounded != limited))
                samples += len(limited)
                file.write(limited.astype(np.int16))
        digest = file_digest(temporary)
    remarks = tuple((r.kind, r.text) for r in (*audio.remarks, *audio.levels.remarks()))
    return PreparedSource(samples, audio.rate, audio.samples, clipped, digest, remarks)
