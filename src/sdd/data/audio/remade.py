"""Audio of segments that is made anew: the segments of one file, one after the other, as FLAC."""

from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sdd.data.audio.conditions import Condition
from sdd.data.audio.door import DECODING_IMPORTS
from sdd.data.audio.flac_files import write_flac
from sdd.data.audio.mp3_segments import mp3_segments
from sdd.data.audio.prepared import read_segment

REMAKING_IMPORTS = (*DECODING_IMPORTS, "scipy.signal")
"""Of processes that make segments anew, imported once for all of them."""

FloatArray = npt.NDArray[np.float32]


def remake_file(
    prepared: Path,
    names: Sequence[str],
    bounds: Sequence[tuple[int, int]],
    target: Path,
    *,
    source: Path | None,
    condition: Condition | None,
) -> tuple[str, int]:
    """Make the segments of one prepared file anew, and write them one after the other.

    Samples are rounded to 16 bits and limited to full scale, as those of prepared files.

    Parameters
    ----------
    names, bounds
        Of the segments, in the order of time: first sample and the one past the last, at 16 kHz.
    target
        The FLAC to write, all at once or not at all. A segment is as long in it as it was.
    source
        The mp3 file, where the segments are encoded as mp3 again; None takes the prepared file.
    condition
        What is then done to each segment; None does nothing.

    Returns
    -------
    sha256
        Digest of what was written.
    clipped
        Samples that were limited.

    Raises
    ------
    InputError
        If a file cannot be read, or is not what the segments were cut for.
    """
    pieces = _prepared(prepared, bounds) if source is None else mp3_segments(source, bounds)
    limited_before = 0

    def under_condition() -> Generator[FloatArray, None, None]:
        nonlocal limited_before
        with closing(pieces):
            for name, piece in zip(names, pieces, strict=True):
                sound, before = (piece, 0) if condition is None else condition.apply(piece, name)
                limited_before += before
                yield sound

    written = write_flac(target, under_condition())
    return written.sha256, limited_before + written.clipped


def _prepared(file: Path, bounds: Sequence[tuple[int, int]]) -> Generator[FloatArray, None, None]:
    return (read_segment(file, start, end) for start, end in bounds)
