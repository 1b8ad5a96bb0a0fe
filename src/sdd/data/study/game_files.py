"""Data files of two adventure games: their tables of contents, and sounds in them.

``queen.1c`` (Flight of the Amazon Queen, as packed again by ScummVM), big-endian::

    "QTBL", version (6 bytes), 2 bytes, compression of the sounds (8 bits; 1: mp3),
    number of entries (16 bits)
    each entry: name (12 bytes, ends with 0), bundle (8 bits), offset and size (32 bits each)

``sky.dnr`` is the table of ``sky.dsk`` (Beneath a Steel Sky), little-endian::

    number of entries (32 bits)
    each entry: number (16 bits); offset (24 bits): with the highest set, the rest counts 16 bytes;
                size (24 bits): the two highest are flags, the highest says that it is not packed

Sounds of speech are numbered from 50,000 on, below 59,000. Each is a header of 22 bytes and, where
bit 7 of its first word is set, what RNC packed; unpacked, unsigned bytes at 11,025 Hz.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

from sdd.data.study import rnc
from sdd.errors import InputError

_QUEEN_HEADER = struct.Struct(">4s6s2xBH")
_QUEEN_ENTRY = struct.Struct(">12sBII")
_QUEEN_MP3 = 1
_SKY_ENTRY = 8
_SKY_SPEECH = range(50_000, 59_000)
_SKY_HEADER = 22
_PACKED, _NOT_PACKED = 1 << 7, 1 << 23
_LENGTH = (1 << 22) - 1


@dataclass(frozen=True)
class Entry:
    """A part of a data file, `size` bytes from `offset` on."""

    name: str
    offset: int
    size: int
    packed: bool = False


def queen_entries(path: Path) -> list[Entry]:
    """List what is in ``queen.1c``.

    Raises
    ------
    InputError
        If it is another file, or its sounds are not mp3.
    """
    with path.open("rb") as file:
        header = file.read(_QUEEN_HEADER.size)
        if len(header) < _QUEEN_HEADER.size or header[:4] != b"QTBL":
            raise InputError(f"{path} is no data file of Flight of the Amazon Queen: replace it.")
        _, _, compression, count = _QUEEN_HEADER.unpack(header)
        if compression != _QUEEN_MP3:
            raise InputError(f"{path} has sounds of kind {compression}, not mp3 (1): replace it.")
        table = file.read(count * _QUEEN_ENTRY.size)
    if len(table) < count * _QUEEN_ENTRY.size:
        raise InputError(f"{path} is cut short: replace it.")
    entries = []
    for name, _, offset, size in _QUEEN_ENTRY.iter_unpack(table):
        entries.append(Entry(name.split(b"\0")[0].decode("ascii"), offset, size))
    return entries


def sky_entries(path: Path) -> list[Entry]:
    """List the sounds of speech that ``sky.dnr`` has; a name is its number, from 0 on.

    Raises
    ------
    InputError
        If the file is cut short.
    """
    table = path.read_bytes()
    count = int.from_bytes(table[:4], "little")
    if count == 0 or len(table) < 4 + _SKY_ENTRY * count:
        raise InputError(f"{path} is no table of Beneath a Steel Sky, or cut short: replace it.")
    entries = []
    for place in range(4, 4 + _SKY_ENTRY * count, _SKY_ENTRY):
        entry = table[place : place + _SKY_ENTRY]
        number = int.from_bytes(entry[:2], "little")
        if number in _SKY_SPEECH:
            offset, size = (int.from_bytes(entry[k : k + 3], "little") for k in (2, 5))
            if offset & _NOT_PACKED:
                offset = (offset ^ _NOT_PACKED) << 4
            packed = not size & _NOT_PACKED
            name = f"{number - _SKY_SPEECH.start:04d}"
            entries.append(Entry(name, offset, size & _LENGTH, packed))
    return entries


def sky_sound(data: bytes, packed: bool, name: str) -> bytes:
    """Return the samples of a sound of Beneath a Steel Sky, unsigned bytes.

    Parameters
    ----------
    data
        As it lies in ``sky.dsk``.
    name
        What messages call it.

    Raises
    ------
    InputError
        If it cannot be unpacked.
    """
    header, body = data[:_SKY_HEADER], data[_SKY_HEADER:]
    if packed and int.from_bytes(header[:2], "little") & _PACKED:
        return rnc.unpack(body, name)
    return body


def stretch(path: Path, offset: int, size: int) -> bytes:
    """Read a part of a file.

    Raises
    ------
    InputError
        If the file ends before it does.
    """
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(size)
    if len(data) < size:
        raise InputError(
            f"{path} ends before {offset + size:,} bytes: it is cut short; replace it."
        )
    return data
