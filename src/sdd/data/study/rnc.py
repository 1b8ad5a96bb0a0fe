"""Unpacking of RNC method 1 ("ProPack", Rob Northen), as games of the nineties are packed.

A header of 18 bytes, big-endian: ``RNC`` and the method, unpacked and packed length (32 bits each),
CRC-16 of the unpacked and of the packed bytes, leeway, number of blocks. Then one stream of bits,
each 16 of them a little-endian word read from its lowest bit, and between the words the literal
bytes, which begin where the next word would::

    2 bits, unused
    each block
        three code tables: lengths of literals, distances, lengths of copies
        16 bits: the number n of pairs
        n times  literal length l by the first table, l literal bytes;
                 and, but the last time, a copy: distance - 1 by the second table, length - 2
                 by the third

A code table is 5 bits, the number of symbols, and 4 bits for the length of each one's code. Codes
are canonical, sent from their highest bit. Symbol 0 and 1 are values; symbol s stands for
2^(s - 1) and the s - 1 bits that follow.
"""

import struct
from collections.abc import Iterable
from functools import cache

from sdd.errors import InputError

_HEADER = struct.Struct(">3sBIIHHBB")
_METHOD = 1
_LEAST_COPY = 2

_Table = dict[tuple[int, int], int]


def is_packed(data: bytes) -> bool:
    """Tell whether bytes begin as RNC of method 1 does."""
    return len(data) >= _HEADER.size and data[:3] == b"RNC" and data[3] == _METHOD


def unpacked_length(data: bytes) -> int:
    """Return how many bytes packed bytes will be."""
    return int(_HEADER.unpack_from(data)[2])


def unpack(data: bytes, name: str) -> bytes:
    """Unpack bytes of RNC method 1; what follows the packed bytes is left.

    Parameters
    ----------
    name
        What messages call it.

    Raises
    ------
    InputError
        If they are not packed so, are cut short, or a checksum is wrong.
    """
    if not is_packed(data):
        raise InputError(f"{name} is not packed by RNC of method 1: replace its file.")
    _, _, length, size, crc, packed_crc, _, blocks = _HEADER.unpack_from(data)
    packed = data[_HEADER.size : _HEADER.size + size]
    if len(packed) < size or crc16(packed) != packed_crc:
        raise InputError(f"{name} is damaged, by its checksum: replace its file.")
    try:
        output = _unpacked(packed, blocks)
    except (IndexError, KeyError) as error:
        raise InputError(f"{name} is damaged: its codes lead nowhere; replace its file.") from error
    if len(output) != length or crc16(output) != crc:
        raise InputError(f"{name} comes out damaged, by its checksum: replace its file.")
    return output


def crc16(data: Iterable[int]) -> int:
    """Compute the CRC-16 of bytes: polynomial 0x8005, reflected, from 0 ("ARC")."""
    table, crc = _crc_table(), 0
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc


@cache
def _crc_table() -> tuple[int, ...]:
    def entry(value: int) -> int:
        for _ in range(8):
            value = (value >> 1) ^ (0xA001 if value & 1 else 0)
        return value

    return tuple(entry(value) for value in range(256))


class _Bits:
    """The stream: bits from words, and bytes from behind the word that is being read."""

    def __init__(self, data: bytes) -> None:
        # Words are fetched whole, also where the last bits lie in one that is cut off.
        self._data = data + b"\0\0"
        self._place = 0
        self._bits = self._left = 0

    def take(self, count: int) -> int:
        while self._left < count:
            word = self._data[self._place] | self._data[self._place + 1] << 8
            self._bits |= word << self._left
            self._left += 16
            self._place += 2
        value = self._bits & ((1 << count) - 1)
        self._bits >>= count
        self._left -= count
        return value

    def literals(self, count: int) -> bytes:
        start = self._place
        self._place += count
        return self._data[start : self._place]

    def table(self) -> _Table:
        """Read a code table: symbol by length and bits of its code."""
        lengths = [self.take(4) for _ in range(self.take(5))]
        table: _Table = {}
        code = 0
        for length in range(1, 17):
            for symbol, own in enumerate(lengths):
                if own == length:
                    table[length, code] = symbol
                    code += 1
            code <<= 1
        return table

    def value(self, table: _Table) -> int:
        code = length = 0
        while (symbol := table.get((length, code))) is None:
            if length > 16:
                raise KeyError(code)
            code = code << 1 | self.take(1)
            length += 1
        if symbol < 2:
            return symbol
        return 1 << (symbol - 1) | self.take(symbol - 1)


def _unpacked(packed: bytes, blocks: int) -> bytes:
    bits, output = _Bits(packed), bytearray()
    bits.take(2)
    for _ in range(blocks):
        literals, distances, lengths = bits.table(), bits.table(), bits.table()
        for left in range(bits.take(16), 0, -1):
            output += bits.literals(bits.value(literals))
            if left > 1:
                distance = bits.value(distances) + 1
                _copy(output, distance, bits.value(lengths) + _LEAST_COPY)
    return bytes(output)


def _copy(output: bytearray, distance: int, length: int) -> None:
    """Repeat what lies `distance` bytes back; it may run into what it writes."""
    start = len(output) - distance
    if start < 0:
        raise IndexError(start)
    piece = output[start : start + length]
    while len(piece) < length:
        piece += piece[: length - len(piece)]
    output += piece
