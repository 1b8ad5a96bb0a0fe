"""How long a FLAC file is: what its header states, and what its last frame shows.

libFLAC reads no further than the header states, and the header may state too little, or nothing
at all (0: who wrote it did not know). Format: RFC 9639.
"""

import mmap
import os
import re
from dataclasses import dataclass
from typing import BinaryIO

# The largest frame that a file is likely to end with: 16,384 samples of 8 channels in 24 bits.
_TAIL = 1 << 19
_FIRST_TAIL = 1 << 16
_SYNC = re.compile(rb"\xff[\xf8\xf9]")
# The mark of a file and the block that has to follow it, with or without others behind.
_BEGINNINGS = (b"fLaC\x00\x00\x00\x22", b"fLaC\x80\x00\x00\x22")
_VARIABLE = 1
_BLOCK_SIZES = {1: 192, **{n: 576 << (n - 2) for n in range(2, 6)}}
_BLOCK_SIZES |= {n: 256 << (n - 8) for n in range(8, 16)}


@dataclass(frozen=True)
class FlacLength:
    """Samples of a FLAC file per channel.

    Attributes
    ----------
    stated
        By the header; 0 if it does not say.
    shown
        Up to the end of the last frame; None if no frame was found at the end of the file.
    """

    stated: int
    shown: int | None


def flac_length(file: BinaryIO) -> FlacLength | None:
    """Look at header and last frame of a FLAC file; None if it is none."""
    head = file.read(10)
    start = 0
    if head[:3] == b"ID3":  # a tag that does not belong there, but is found
        for byte in head[6:10]:
            start = start << 7 | byte & 0x7F
        start += 10
    file.seek(start)
    head = file.read(42)
    if len(head) < 42 or head[:4] != b"fLaC" or head[4] & 0x7F != 0:
        return None
    block_size = int.from_bytes(head[8:10])
    stated = int.from_bytes(head[18:26]) & (1 << 36) - 1
    size = file.seek(0, os.SEEK_END)
    shown = None
    for tail in (_FIRST_TAIL, _TAIL):
        file.seek(max(start + 42, size - tail))
        shown = _last_sample(file.read(tail), block_size, stated)
        if shown is not None or tail >= size:
            break
    return FlacLength(stated, shown)


def follows_another(file: BinaryIO) -> bool:
    """Tell whether a second FLAC file follows the first, as `cat` joins them."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        first = data.find(b"fLaC")
        return any(data.find(beginning, first + 4) >= 0 for beginning in _BEGINNINGS)


def _last_sample(data: bytes, block_size: int, stated: int) -> int | None:
    """Find the last frame and the sample that it ends at."""
    seen: dict[int, int] = {}
    # All at once: to search again from each place takes minutes where there are many.
    for place in reversed([match.start() for match in _SYNC.finditer(data)]):
        span = _frame(data[place : place + 16], block_size)
        if span is None:
            continue
        first, last = span
        # Bytes within a frame may look like one: the header agrees, or the frame before it does.
        if last == stated:
            return last
        if last in seen:
            return seen[last]
        seen.setdefault(first, last)
    return seen.get(0)  # a file of one frame


def _frame(header: bytes, block_size: int) -> tuple[int, int] | None:
    """Read the first sample of a frame and the one past its last; None if it is no frame."""
    if len(header) < 6 or header[3] & 1 or header[2] >> 4 == 0 or header[2] & 15 == 15:
        return None
    number, length = _coded_number(header[4:])
    position = 4 + length
    code = header[2] >> 4
    extra = {6: 1, 7: 2}.get(code, 0)
    samples = _BLOCK_SIZES.get(code, int.from_bytes(header[position : position + extra]) + 1)
    position += extra + {12: 1, 13: 2, 14: 2}.get(header[2] & 15, 0)
    if length == 0 or len(header) <= position or _crc8(header[:position]) != header[position]:
        return None
    first = number if header[1] & _VARIABLE else number * block_size
    return first, first + samples


def _coded_number(data: bytes) -> tuple[int, int]:
    """Read a number coded as UTF-8 would; and of how many bytes, 0 if it is none."""
    ones = 8 - (data[0] ^ 0xFF).bit_length()
    if ones == 0:
        return data[0], 1
    if ones in (1, 8) or len(data) < ones:
        return 0, 0
    number = data[0] & 0x7F >> ones
    for byte in data[1:ones]:
        if byte & 0xC0 != 0x80:
            return 0, 0
        number = number << 6 | byte & 0x3F
    return number, ones


def _crc8(data: bytes) -> int:
    remainder = 0
    for byte in data:
        remainder ^= byte
        for _ in range(8):
            remainder = remainder << 1 ^ (0x107 if remainder & 0x80 else 0)
    return remainder
