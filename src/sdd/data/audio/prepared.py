"""Windows of prepared audio files: nothing is decoded here but 16 kHz FLAC."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from sdd.data.audio.door import open_sound, reading
from sdd.errors import InputError


def read_segment(file: Path, start: int, end: int) -> npt.NDArray[np.float32]:
    """Read a window of a prepared file, exact to the sample.

    Parameters
    ----------
    file
        A FLAC that `sdd.data.audio.preparing.prepare_source` wrote.
    start, end
        First sample and the one past the last, at 16 kHz.

    Returns
    -------
    ndarray
        ``float32 [end - start]``, full scale is 1.

    Raises
    ------
    InputError
        If the file is missing, damaged or shorter than the window asks for.
    """
    if not file.is_file():
        raise InputError(f"{file} cannot be read (it is missing): prepare the corpus again.")
    samples: npt.NDArray[np.float32]
    with reading(file, "cannot be read", "prepare the corpus again."), open_sound(file) as audio:
        if not 0 <= start < end <= audio.frames:
            raise InputError(
                f"{file} has {audio.frames} samples, not {start} to {end}: "
                "it is not the file that the segments were cut for; prepare the corpus again."
            )
        audio.seek(start)
        samples = audio.read(end - start, dtype="float32")
    return samples
