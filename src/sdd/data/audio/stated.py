"""How many samples headers promise that libsndfile reads as far as the file goes, without a word.

What it notes of chunks that are longer than the file (AIFF, AU, W64), and fields of NIST SPHERE,
CAF and AVI, which are not compared with the file at all.
"""

import os
import re
from typing import BinaryIO

# libsndfile's remark on a chunk that promises more than the file holds, in bytes.
_CUT_CHUNK = re.compile(r": *(\d+) \(should be (\d+)\)")
# What programs write there that do not know the length beforehand.
_UNKNOWN = 0x7FFF0000
_SPHERE_COUNT = re.compile(rb"^sample_count -i (\d+)$", re.MULTILINE)
_MOST_CHUNKS = 1000


def stated_by_remarks(remarks: str, samples: int) -> int | None:
    """Return the samples that were promised, from libsndfile's log; None if there are no fewer.

    Parameters
    ----------
    samples
        That there are.
    """
    pairs = [tuple(map(int, pair)) for pair in _CUT_CHUNK.findall(remarks)]
    cut = [(stated, there) for stated, there in pairs if there and there < stated < _UNKNOWN]
    # The chunk of the samples follows that of the whole file.
    return round(samples * cut[-1][0] / cut[-1][1]) if cut else None


def stated_by_sphere(file: BinaryIO) -> int | None:
    """Return the samples that the header of a NIST SPHERE file states; None if it is none."""
    file.seek(0)
    header = file.read(1024)
    found = _SPHERE_COUNT.search(header) if header.startswith(b"NIST_1A") else None
    return int(found[1]) if found else None


def share_there(file: BinaryIO) -> float:
    """Return which share of what a CAF or AVI file promises is there: 1 if all, or of others."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    beginning = file.read(12)
    if beginning[:4] == b"caff":
        return _share_of_caf(file, size)
    if beginning[:4] == b"RIFF" and beginning[8:] == b"AVI ":
        stated = int.from_bytes(beginning[4:8], "little")
        return min(1.0, (size - 8) / stated) if 0 < stated < _UNKNOWN else 1.0
    return 1.0


def _share_of_caf(file: BinaryIO, size: int) -> float:
    position = 8
    for _ in range(_MOST_CHUNKS):
        file.seek(position)
        name, length = file.read(4), int.from_bytes(file.read(8), signed=True)
        position += 12
        if len(name) < 4 or length < 0:  # -1: the samples go on to the end of the file
            break
        if name == b"data":
            return min(1.0, max(0, size - position) / max(1, length))
        position += length
    return 1.0
