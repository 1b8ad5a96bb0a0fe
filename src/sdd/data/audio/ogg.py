"""How many recordings lie one after the other in an Ogg file, and how long all of them are.

libsndfile ends at the end of the first. Pages: RFC 3533; positions of Opus: RFC 7845.
"""

from dataclasses import dataclass
from typing import BinaryIO

_PAGE = b"OggS"
_HEADER = 27
_FIRST, _LAST = 2, 4
_NO_POSITION = (1 << 64) - 1
_OPUS_RATE = 48_000
_SEARCHED = 1 << 16


@dataclass
class _Link:
    start: bytes
    position: int = 0
    pages: int = 0
    ended: bool = False

    def seconds(self) -> float:
        if self.start.startswith(b"OpusHead"):
            return max(0, self.position - int.from_bytes(self.start[10:12], "little")) / _OPUS_RATE
        if self.start.startswith(b"\x01vorbis"):
            return self.position / max(1, int.from_bytes(self.start[12:16], "little"))
        return 0.0


@dataclass(frozen=True)
class OggLength:
    """Recordings in a file, seconds of all of them together, and whether the last one ends."""

    recordings: int
    seconds: float
    ended: bool


def ogg_length(file: BinaryIO) -> OggLength | None:
    """Walk the pages of an Ogg file from beginning to end; None if it is none."""
    file.seek(0)
    links: list[_Link] = []
    position = 0
    while (page := _next_page(file, position)) is not None:
        place, header, sizes = page
        body = place + _HEADER + len(sizes)
        if header[5] & _FIRST:
            file.seek(body)
            links.append(_Link(file.read(64)))
        elif links:
            granule = int.from_bytes(header[6:14], "little")
            links[-1].pages += 1
            links[-1].ended |= bool(header[5] & _LAST)
            if granule != _NO_POSITION:
                links[-1].position = max(links[-1].position, granule)
        position = body + sum(sizes)
    if not links:
        return None
    # Streams side by side begin on pages that follow each other: one recording.
    recordings = [link for link in links if link.pages]
    seconds = sum(link.seconds() for link in recordings)
    return OggLength(len(recordings), seconds, not recordings or recordings[-1].ended)


def _next_page(file: BinaryIO, position: int) -> tuple[int, bytes, bytes] | None:
    """Read the next page's place, header and table of sizes; junk before it is passed over."""
    file.seek(position)
    header = file.read(_HEADER)
    while header[:4] != _PAGE:
        file.seek(position)
        found = file.read(_SEARCHED).find(_PAGE, 1)
        if found < 0 and len(header) < _HEADER:
            return None
        position += found if found > 0 else _SEARCHED - len(_PAGE)
        file.seek(position)
        header = file.read(_HEADER)
    if len(header) < _HEADER:
        return None
    return position, header, file.read(header[26])
