"""What headers state of the length of their samples, believed where the file confirms it.

A recorder writes the length last. One that was cut off leaves 0, the largest number, or what it
wrote when it began: what reads the file then stops too early. So what follows the stated end is
looked at. Where it is no chunk, tag or padding, the samples go on, and all of them are read.
"""

import os
from dataclasses import dataclass
from typing import BinaryIO

from sdd.data.audio.door import Mended
from sdd.data.audio.remarks import LENGTH_TOLERANCE
from sdd.data.audio.sample_chunks import find_samples

# Sizes that programs write that do not know the length beforehand, give or take a header.
_PLACEHOLDERS = (0x7F000000, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, (1 << 63) - 1)
_HEADER = 64
_LONGEST = 1 << 62
# A rest of fewer bytes fills up the last chunk.
_FILLING = 8


@dataclass(frozen=True)
class Length:
    """The samples of a file, in bytes.

    Attributes
    ----------
    stated
        What the header states; None if it says that it does not know, or was never finished.
    available
        From the beginning of the samples to the end of the file.
    is_low
        Whether more is read than the header states.
    mended
        How a file is to be read whose header states less than there is, whose samples end before a
        library would end, or whose size is none; None for all others.
    """

    stated: int | None
    available: int
    is_low: bool = False
    mended: Mended | None = None

    @property
    def share(self) -> float:
        """What is stated, as a share of what is there; 0 where nothing is stated."""
        return (self.stated or 0) / max(1, self.available)


def stated_length(file: BinaryIO, byte_rate: float) -> Length | None:
    """Hold what a header states against the file; None if its format states nothing there.

    Parameters
    ----------
    byte_rate
        Of a second, roughly: a tenth of it is no matter.
    """
    size = file.seek(0, os.SEEK_END)
    samples = find_samples(file)
    if samples is None:
        return None
    available = max(0, size - samples.begin)
    stated, all_of_it = samples.stated, Mended(samples.stating(available))
    if stated is None:
        return Length(None, available)
    if _is_placeholder(stated, available):
        return Length(None, available, mended=all_of_it)
    left = available - stated
    if left <= 0:
        return Length(stated, available)
    if samples.ends_at(file, samples.begin + stated, size):
        end = Mended(end=samples.begin + stated) if samples.reads_on else None
        return Length(stated, available, mended=end)
    if left <= max(LENGTH_TOLERANCE * byte_rate, _FILLING):
        return Length(stated, available)
    return Length(stated or None, available, is_low=True, mended=all_of_it)


def _is_placeholder(stated: int, available: int) -> bool:
    """Tell whether a size that the file does not confirm stands for an unknown one."""
    if stated <= available:
        return False
    return stated >= _LONGEST or any(abs(stated - known) <= _HEADER for known in _PLACEHOLDERS)


def share_of_avi(file: BinaryIO) -> float:
    """Return which share of what an AVI file promises is there: 1 if all, or of others."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    beginning = file.read(12)
    if beginning[:4] == b"RIFF" and beginning[8:] == b"AVI ":
        stated = int.from_bytes(beginning[4:8], "little")
        unknown = _is_placeholder(stated, size)
        return min(1.0, (size - 8) / stated) if stated and not unknown else 1.0
    return 1.0
