"""Made-up Debian packages, and data files as those of the games."""

import io
import struct
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from sdd.data.study.rnc import crc16


def write_package(path: Path, files: Mapping[str, bytes], links: Mapping[str, str] = {}) -> None:
    """Write a package whose data archive holds some files, and links to some beside them."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:xz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
        for name, target in links.items():
            member = tarfile.TarInfo(f"./{name}")
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    members = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", "data.tar.xz": data.getvalue()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"!<arch>\n" + b"".join(_member(*item) for item in members.items()))


def _member(name: str, content: bytes) -> bytes:
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n"
    return header.encode() + content + b"\n" * (len(content) % 2)


def queen_file(sounds: Mapping[str, bytes], compression: int = 1) -> bytes:
    """Make a data file of Flight of the Amazon Queen."""
    header = struct.pack(">4s6s2xBH", b"QTBL", b"CEM10", compression, len(sounds))
    place = len(header) + 21 * len(sounds)
    table, body = b"", b""
    for name, content in sounds.items():
        table += struct.pack(">12sBII", name.encode(), 1, place + len(body), len(content))
        body += content
    return header + table + body


class RncWriter:
    """A stream of RNC method 1, whose three tables are the same: sixteen codes of four bits."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._word = self._free = 0
        self.bits(0, 2)

    def bits(self, value: int, count: int) -> None:
        """Write bits from the lowest."""
        for number in range(count):
            if not self._free:
                self._word, self._free = len(self._bytes), 16
                self._bytes += b"\0\0"
            place = 16 - self._free
            self._bytes[self._word + place // 8] |= (value >> number & 1) << place % 8
            self._free -= 1

    def block(self, pairs: Sequence[tuple[bytes, int, int]]) -> None:
        """Write literals, each but the last followed by a copy: its distance and length."""
        for _ in range(3):
            self.bits(16, 5)
            for _ in range(16):
                self.bits(4, 4)
        self.bits(len(pairs), 16)
        for number, (literals, distance, length) in enumerate(pairs, start=1):
            self._value(len(literals))
            self._bytes += literals
            if number < len(pairs):
                self._value(distance - 1)
                self._value(length - 2)

    def _value(self, value: int) -> None:
        symbol = value.bit_length()
        # Of sixteen codes of four bits, that of a symbol is its number, from the highest bit.
        self.bits(int(f"{symbol:04b}"[::-1], 2), 4)
        if symbol > 1:
            self.bits(value, symbol - 1)

    def packed(self, unpacked: bytes, blocks: int = 1) -> bytes:
        """Put the header before what was written."""
        data = bytes(self._bytes)
        sizes = (len(unpacked), len(data), crc16(unpacked), crc16(data), 0, blocks)
        return struct.pack(">3sBIIHHBB", b"RNC", 1, *sizes) + data
