"""What the header of a WAV file says of its length, and whether it was ever finished.

A recorder writes the length last. One that was cut off leaves 0, the largest number, or what it
wrote when it began: libsndfile then reads nothing, or too little. Sizes in RF64 (EBU Tech 3306)
lie in a chunk `ds64` before.
"""

import os
from dataclasses import dataclass
from typing import BinaryIO, Literal

_MAGIC = (b"RIFF", b"RF64", b"BW64", b"RIFX")
_UNKNOWN = 0xFFFFFFFF
# Sizes that programs write that do not know the length beforehand.
_PLACEHOLDERS = (0, 0x7FFFFFFF, 0x7FFFF000, 0x7FFFFFDB, 0x80000000)
_SECONDS = 0.1
_MOST_CHUNKS = 1000

_Order = Literal["big", "little"]


@dataclass(frozen=True)
class WavLength:
    """The samples of a WAV file, in bytes.

    Attributes
    ----------
    stated
        What the header states; None if it says that it does not know, or was never finished.
    available
        From the beginning of the samples to the end of the file.
    patches
        Bytes of a header that says what is there, by their place; empty if it does.
    """

    stated: int | None
    available: int
    patches: dict[int, bytes]


@dataclass(frozen=True)
class _Chunks:
    order: _Order
    data: int
    stated: int
    byte_rate: int
    ds64: int | None


def wav_length(file: BinaryIO) -> WavLength | None:
    """Look at the chunks of a WAV file; None if it is none or has no samples' chunk."""
    size = file.seek(0, os.SEEK_END)
    chunks = _read_chunks(file, size)
    if chunks is None:
        return None
    available = size - chunks.data
    if chunks.stated >= _UNKNOWN or (chunks.stated in _PLACEHOLDERS and chunks.stated):
        return WavLength(None, available, _patches(chunks, available) if chunks.ds64 else {})
    left = available - chunks.stated
    # What follows the samples are chunks, tags or padding: if not, the samples go on.
    if left <= max(_SECONDS * chunks.byte_rate, 8) or _is_rest(file, chunks, size):
        return WavLength(chunks.stated, available, {})
    stated = chunks.stated or None
    return WavLength(stated, available, _patches(chunks, available))


def _read_chunks(file: BinaryIO, size: int) -> _Chunks | None:
    file.seek(0)
    head = file.read(12)
    if head[:4] not in _MAGIC or head[8:] != b"WAVE":
        return None
    order: _Order = "big" if head[:4] == b"RIFX" else "little"
    position, byte_rate, long_size = 12, 0, 0
    ds64: int | None = None
    for _ in range(_MOST_CHUNKS):
        file.seek(position)
        name, length = file.read(4), _number(file.read(4), order)
        if len(name) < 4 or position + 8 > size:
            return None
        if name == b"data":
            stated = long_size if ds64 is not None and length == _UNKNOWN else length
            return _Chunks(order, position + 8, stated, byte_rate, ds64)
        body = file.read(16)
        if name == b"fmt ":
            byte_rate = _number(body[8:12], order)
        if name == b"ds64":
            ds64, long_size = position, _number(body[8:16], order)
        position += 8 + length + length % 2
    return None


def _is_rest(file: BinaryIO, chunks: _Chunks, size: int) -> bool:
    """Tell whether what lies behind the samples is something else."""
    position = chunks.data + chunks.stated + chunks.stated % 2
    file.seek(position)
    beginning = file.read(4096)
    if beginning.startswith((b"TAG", b"ID3", b"APETAGEX")):
        return True
    if not any(beginning):  # padding, or a recording that goes on with silence
        return not _has_sound(file)
    while position + 8 <= size:
        file.seek(position)
        name, length = file.read(4), _number(file.read(4), chunks.order)
        if not name.isascii() or not name.decode("ascii").isprintable():
            return False
        position += 8 + length + length % 2
    # The last chunk ends with the file, but for the byte that fills it up.
    return position <= size + 1


def _has_sound(file: BinaryIO) -> bool:
    while block := file.read(1 << 20):
        if any(block):
            return True
    return False


def _patches(chunks: _Chunks, available: int) -> dict[int, bytes]:
    length = min(available, _UNKNOWN - 1)
    patches = {chunks.data - 4: length.to_bytes(4, chunks.order)}
    if chunks.ds64 is not None:
        # An RF64 whose sizes are lost is read as a plain WAV.
        patches |= {0: b"RIFF", chunks.ds64: b"JUNK"}
    return patches


def _number(data: bytes, order: _Order) -> int:
    return int.from_bytes(data, order)
