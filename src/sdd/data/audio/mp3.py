"""What an mp3 file says of its own length.

libsndfile reads as many samples of an mp3 as it believes there are. That is what the first frame
says (a Xing or Info tag), or a guess from the bit rate of the first frame: far too low for a
variable bit rate that begins with silence, and the tag of the first part where files were joined.
"""

from pathlib import Path

# What libsndfile calls mp3.
MP3_FORMATS = ("MP3", "MPEG")
_TAGS = (b"Xing", b"Info")
_HAS_FRAMES, _HAS_BYTES = 1, 2
# Tags at the end of the file are not counted among its bytes.
_TOLERANCE = 4096
_HEADER = 10


def states_its_length(path: Path) -> bool:
    """Tell whether an mp3 says how long it is, and is no longer than that.

    If not, only decoding to the end can tell. True for a file that was cut short: no more than is
    there can be read of it.
    """
    with path.open("rb") as file:
        start = _skip_tags(file.read(_HEADER))
        file.seek(start)
        beginning = file.read(4096)
    offset = next((place for tag in _TAGS if (place := beginning.find(tag, 0, 256)) >= 0), None)
    if offset is None:
        return False
    numbers = [
        int.from_bytes(beginning[offset + place : offset + place + 4]) for place in (4, 8, 12)
    ]
    flags, _, stated_bytes = numbers
    if not flags & _HAS_FRAMES or not flags & _HAS_BYTES:
        return False
    return path.stat().st_size - start <= stated_bytes + _TOLERANCE


def _skip_tags(header: bytes) -> int:
    """Count the bytes of an ID3v2 tag, whose size is written in seven bits a byte."""
    if header[:3] != b"ID3" or len(header) < _HEADER:
        return 0
    size = 0
    for byte in header[6:]:
        size = size << 7 | byte & 0x7F
    return _HEADER + size
