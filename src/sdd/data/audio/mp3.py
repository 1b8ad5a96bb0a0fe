"""What an mp3 file says of its own length, and how many frames it has.

libsndfile reads as many samples of an mp3 as it believes there are. That is what the first frame
says (a Xing or Info tag), or a guess from the bit rate of the first frame: far too low for a
variable bit rate that begins with silence, and the tag of the first part where files were joined.
"""

import mmap
from pathlib import Path

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


def states_its_length(path: Path, *, count: bool = False) -> bool:
    """Tell whether an mp3 says how long it is, and is no longer than that.

    If not, only decoding to the end can tell. True for a file that was cut short: no more than is
    there can be read of it.

    Parameters
    ----------
    count
        Whether to go through all frames: a tag that states all bytes may state too few frames.
    """
    with open_local(path) as file:
        start = _skip_tags(file.read(_HEADER))
        file.seek(start)
        beginning = file.read(4096)
    offset = next((place for tag in _TAGS if (place := beginning.find(tag, 0, 256)) >= 0), None)
    if offset is None:
        return False
    numbers = [
        int.from_bytes(beginning[offset + place : offset + place + 4]) for place in (4, 8, 12)
    ]
    flags, stated_frames, stated_bytes = numbers
    if not flags & _HAS_FRAMES or not flags & _HAS_BYTES:
        return False
    if path.stat().st_size - start > stated_bytes + _TOLERANCE:
        return False
    # Besides the frame that holds the tag, one may be left of what the encoder read ahead.
    return not count or count_frames(path) <= stated_frames + 2


def count_frames(path: Path) -> int:
    """Count the frames up to the first place that is none; 0 if the file begins with none."""
    with open_local(path) as file:
        start = _skip_tags(file.read(_HEADER))
        if file.seek(0, 2) <= start + 4:
            return 0
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _count(data, start)


def _count(data: mmap.mmap, start: int) -> int:
    lengths = _frame_lengths(data[start : start + 4])
    position, last, count = start, len(data) - 3, 0
    # An hour has 140,000 frames: as little as possible is done for each.
    while position < last and data[position] == 0xFF:
        length = lengths.get((data[position + 1], data[position + 2]))
        if length is None:
            break
        position += length
        count += 1
    return count


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


def _skip_tags(header: bytes) -> int:
    """Count the bytes of an ID3v2 tag, whose size is written in seven bits a byte."""
    if header[:3] != b"ID3" or len(header) < _HEADER:
        return 0
    size = 0
    for byte in header[6:]:
        size = size << 7 | byte & 0x7F
    return _HEADER + size
