"""What an mp3 file says of its own length, and how many frames it has.

libsndfile reads as many samples of an mp3 as it believes there are. That is what the first frame
says (a Xing or Info tag), or a guess from the bit rate of the first frame: far too low for a
variable bit rate that begins with silence, and the tag of the first part where files were joined.
"""

import mmap
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sdd.data.audio.door import open_local

# What libsndfile calls mp3.
MP3_FORMATS = ("MP3", "MPEG")
_TAGS = (b"Xing", b"Info")
_HAS_FRAMES, _HAS_BYTES = 1, 2
# Tags at the end of the file are not counted among its bytes.
_TOLERANCE = 4096
_HEADER = 10

_LAYER_3 = 1
# Bits per second / 1000 by the code of the bit rate, of MPEG 1 and of MPEG 2 and 2.5.
_BIT_RATES = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
)
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


@dataclass(frozen=True)
class Mp3Length:
    """Frames of an mp3 file, without the one that holds a tag.

    Attributes
    ----------
    stated
        By the tag; None if there is none, or it is of the first part of joined files.
    counted
        Up to the first place that is no frame.
    whole
        Whether that is the end of the file, but for tags.
    frame
        Samples of a frame per channel.
    """

    stated: int | None
    counted: int
    whole: bool
    frame: int

    @property
    def confirmed(self) -> bool:
        """Whether libsndfile would read all: the tag says no less than there is.

        Besides, a frame may be left of what the encoder read ahead.
        """
        return self.stated is not None and self.counted <= self.stated + 2

    @property
    def missing(self) -> int:
        """Samples that the tag promises and that are not there."""
        return max(0, (self.stated or 0) - self.counted - 2) * self.frame


def mp3_length(path: Path) -> Mp3Length:
    """Look at the tag of an mp3 file and go through its frames, without decoding."""
    with open_local(path) as file:
        size = file.seek(0, os.SEEK_END)
        start = _skip_tags(file)
        if size <= start + 4:
            return Mp3Length(None, 0, False, 0)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            tagged, stated = _stated_frames(data[start : start + 4096], size - start)
            counted, end = _count(data, start)
            rest = data[end : end + 8]
            frame = 1152 if data[start + 1] >> 3 & 3 == 3 else 576
    whole = size - end <= _TOLERANCE or rest.startswith((b"TAG", b"APETAGEX", b"LYRICS", b"ID3"))
    return Mp3Length(stated, max(0, counted - tagged), whole, frame)


def _stated_frames(beginning: bytes, size: int) -> tuple[bool, int | None]:
    """Tell whether there is a tag, and which number of frames it states for all of the file."""
    offset = next((place for tag in _TAGS if (place := beginning.find(tag, 0, 256)) >= 0), None)
    if offset is None:
        return False, None
    numbers = [
        int.from_bytes(beginning[offset + place : offset + place + 4]) for place in (4, 8, 12)
    ]
    flags, stated_frames, stated_bytes = numbers
    if not flags & _HAS_FRAMES or not flags & _HAS_BYTES:
        return True, None
    return True, None if size > stated_bytes + _TOLERANCE else stated_frames


def _count(data: mmap.mmap, start: int) -> tuple[int, int]:
    """Count frames up to the first place that is none, and return that place, too."""
    lengths = _frame_lengths(data[start : start + 4])
    position, end, last, count = start, len(data), len(data) - 3, 0
    # An hour has 140,000 frames: as little as possible is done for each.
    while position < last and data[position] == 0xFF:
        length = lengths.get((data[position + 1], data[position + 2]))
        if length is None or position + length > end:
            break
        position += length
        count += 1
    return count, position


def _frame_lengths(first: bytes) -> dict[tuple[int, int], int]:
    """Return the bytes of a frame by its second and third byte, for frames like the first.

    Nothing where the first frame is none of layer III, or states no bit rate.
    """
    if len(first) < 4 or first[0] != 0xFF or first[1] >> 1 & 3 != _LAYER_3:
        return {}
    version, rate_code = first[1] >> 3 & 3, first[2] >> 2 & 3
    if version not in _RATES or rate_code > 2:
        return {}
    rate = _RATES[version][rate_code]
    unit = 144_000 if version == 3 else 72_000
    lengths = {}
    for third in range(256):
        bits = _BIT_RATES[version != 3][third >> 4]
        if bits and third >> 2 & 3 == rate_code:
            # With and without a checksum.
            for second in (first[1], first[1] ^ 1):
                lengths[second, third] = unit * bits // rate + (third >> 1 & 1)
    return lengths


def _skip_tags(file: BinaryIO) -> int:
    """Find where the ID3v2 tags at the beginning end; sizes are written in seven bits a byte."""
    start = 0
    while True:
        file.seek(start)
        header = file.read(_HEADER)
        if header[:3] != b"ID3" or len(header) < _HEADER:
            return start
        size = 0
        for byte in header[6:]:
            size = size << 7 | byte & 0x7F
        start += _HEADER + size
