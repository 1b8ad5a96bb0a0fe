"""Writing the FLAC files of which segments are windows: 16 kHz, mono, 16 bits.

Apart from reading them (`prepared`), so that a change here trains nothing again by itself.
"""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from sdd.data.audio import SAMPLE_RATE
from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.digests import file_digest

FULL_SCALE = 32_768

Int16Array = npt.NDArray[np.int16]


@dataclass(frozen=True)
class WrittenAudio:
    """What was written.

    Attributes
    ----------
    samples
        Length of the file.
    clipped
        Samples beyond the range of 16 bits, which were limited to it.
    sha256
        Digest of the file.
    """

    samples: int
    clipped: int
    sha256: str


def to_16_bits(samples: npt.NDArray[np.floating]) -> tuple[Int16Array, int]:
    """Round to the nearest step of 16 bits, and limit what is beyond.

    Returns
    -------
    samples
        ``int16 [T]``.
    clipped
        How many were beyond, and are limited.
    """
    rounded = np.rint(samples * np.float32(FULL_SCALE))
    limited = np.clip(rounded, -FULL_SCALE, FULL_SCALE - 1)
    return limited.astype(np.int16), int(np.count_nonzero(rounded != limited))


def write_flac(
    target: Path, pieces: Generator[npt.NDArray[np.floating], None, None]
) -> WrittenAudio:
    """Write pieces of sound one after the other, all of them or no file.

    Parameters
    ----------
    pieces
        ``float [T]`` at 16 kHz, full scale is 1. Each is asked for once the one before is there,
        so that no more than one is in memory; closed at the end, and on failure.
    """
    samples = clipped = 0
    with closing(pieces), atomic_path(target) as temporary:
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
                limited, beyond = to_16_bits(piece)
                samples, clipped = samples + len(limited), clipped + beyond
                file.write(limited)
        return WrittenAudio(samples, clipped, file_digest(temporary))
