"""Where the samples lie in files that state their length, and what may follow them.

Formats of chunks (WAV, RF64 by EBU Tech 3306, Sony's W64, AIFF, AIFC, 8SVX, CAF) say at the
beginning of each chunk how long it is, and other chunks may follow that of the samples. AU and
NIST SPHERE state the length in a header, and nothing follows.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

_MOST_CHUNKS = 1000
_Order = Literal["big", "little"]

# The ends of W64's names, which are GUIDs.
_W64_TAIL = bytes.fromhex("f3acd3118cd100c04f8edb8a")
_W64_COMMON = bytes.fromhex("c04f8edb8a")
_W64_LIST_TAIL = bytes.fromhex("2e91cf11a5d628db04c10000")
_TAGS = (b"TAG", b"ID3", b"APETAGEX")
_SPHERE_FIELD = re.compile(rb"^(\w+) -i (\d+)\s*$", re.MULTILINE)
# In a field of so many bytes: the length is not known.
_ALL_ONES = {4: 0xFFFFFFFF, 8: (1 << 64) - 1}


@dataclass(frozen=True)
class Chunks:
    """How the chunks of a format are written.

    Attributes
    ----------
    name_bytes, size_bytes
        Of what stands before each chunk.
    counted
        Bytes of those that the size counts.
    alignment
        Chunks begin at multiples of it, from the first on.
    first
        Place of the first chunk.
    samples
        Name of the chunk that has the samples.
    before
        Bytes of that chunk before the samples.
    """

    order: _Order
    name_bytes: int
    size_bytes: int
    counted: int
    alignment: int
    first: int
    samples: bytes
    before: int

    def walk(self, file: BinaryIO, position: int, size: int) -> Iterator[tuple[bytes, int, int]]:
        """Yield name, place of the content and length of each chunk from a position on."""
        for _ in range(_MOST_CHUNKS):
            body = position + self.name_bytes + self.size_bytes
            if body > size:
                return
            file.seek(position)
            name = file.read(self.name_bytes)
            length = int.from_bytes(file.read(self.size_bytes), self.order) - self.counted
            yield name, body, length
            if length < 0 or length > size:
                return
            position = body + length
            position += (self.first - position) % self.alignment

    def is_name(self, name: bytes) -> bool:
        """Tell whether a chunk may be called so."""
        if self.name_bytes > 4:
            return name.endswith((_W64_COMMON, _W64_LIST_TAIL))
        return name.isascii() and name.decode("ascii").isprintable()


@dataclass(frozen=True)
class Samples:
    """The samples of a file, as its header has them.

    Attributes
    ----------
    begin
        Place of the first.
    stated
        Their bytes; None if the header does not say.
    field
        Place, size and order of the field that states them; None if it is none of whole bytes.
    more
        What that field counts beside the samples, in bytes.
    chunks
        By which others may follow; None where nothing may.
    ds64
        Place of the chunk that has the sizes of an RF64; its header is that of a WAV without it.
    reads_on
        Whether libsndfile reads to the end of the file, whatever is stated.
    """

    begin: int
    stated: int | None
    field: tuple[int, int, _Order] | None
    more: int = 0
    chunks: Chunks | None = None
    ds64: int | None = None
    reads_on: bool = False

    def stating(self, length: int) -> dict[int, bytes]:
        """Return the bytes of a header that states another length, by their place."""
        if self.field is None:
            return {}
        place, size, order = self.field
        # What does not fit is as long as the file.
        patches = {place: min(length + self.more, _ALL_ONES[size]).to_bytes(size, order)}
        if self.ds64 is not None:
            # An RF64 whose sizes are lost is read as a plain WAV.
            patches |= {0: b"RIFF", self.ds64: b"JUNK"}
        return patches

    def ends_at(self, file: BinaryIO, position: int, size: int) -> bool:
        """Tell whether what lies from a position to the end of the file is something else."""
        file.seek(position)
        beginning = file.read(4096)
        if beginning.startswith(_TAGS):
            return True
        if not any(beginning):  # padding, or a recording that goes on with silence
            return not _has_sound(file)
        if self.chunks is None:
            return False
        position += (self.chunks.first - position) % self.chunks.alignment
        end = position
        for name, body, length in self.chunks.walk(file, position, size):
            if not self.chunks.is_name(name) or length < 0:
                return False
            end = body + length
        # The last chunk ends with the file, but for the bytes that fill it up.
        left = size - end
        return -self.chunks.alignment < left < self.chunks.name_bytes + self.chunks.size_bytes


def find_samples(file: BinaryIO) -> Samples | None:
    """Look for the samples of a file; None if its format is none of these, or it has none."""
    file.seek(0)
    head = file.read(40)
    if head[:4] in (b".snd", b"dns."):
        return _samples_of_au(head)
    if head.startswith(b"NIST_1A"):
        return _samples_of_sphere(file)
    chunks = _chunks_of(head)
    return None if chunks is None else _samples_of_chunks(file, chunks)


def _chunks_of(head: bytes) -> Chunks | None:
    form, kind = head[:4], head[8:12]
    if form in (b"RIFF", b"RF64", b"BW64", b"RIFX") and kind == b"WAVE":
        return Chunks("big" if form == b"RIFX" else "little", 4, 4, 0, 2, 12, b"data", 0)
    if form == b"FORM" and kind in (b"AIFF", b"AIFC"):
        return Chunks("big", 4, 4, 0, 2, 12, b"SSND", 8)
    if form == b"FORM" and kind in (b"8SVX", b"16SV"):
        return Chunks("big", 4, 4, 0, 2, 12, b"BODY", 0)
    if form == b"caff":
        return Chunks("big", 4, 8, 0, 1, 8, b"data", 4)
    if head[:16] == b"riff" + _W64_LIST_TAIL and head[24:40] == b"wave" + _W64_TAIL:
        return Chunks("little", 16, 8, 24, 8, 40, b"data" + _W64_TAIL, 0)
    return None


def _samples_of_chunks(file: BinaryIO, chunks: Chunks) -> Samples | None:
    size = file.seek(0, 2)
    ds64: int | None = None
    long_size = 0
    for name, body, length in chunks.walk(file, chunks.first, size):
        if name == chunks.samples:
            unknown = length + chunks.counted == _ALL_ONES[chunks.size_bytes]
            if unknown and ds64 is not None:
                length, unknown = long_size, False
            # Less than there is before the samples is none.
            stated = None if unknown else max(0, length - chunks.before)
            field = body - chunks.size_bytes, chunks.size_bytes, chunks.order
            more = chunks.before + chunks.counted
            reads_on = chunks.samples == b"BODY" or chunks.name_bytes > 4
            return Samples(body + chunks.before, stated, field, more, chunks, ds64, reads_on)
        if name == b"ds64":
            file.seek(body + 8)
            ds64, long_size = body - 8, int.from_bytes(file.read(8), chunks.order)
    return None


def _samples_of_au(head: bytes) -> Samples:
    order: _Order = "big" if head[:4] == b".snd" else "little"
    begin, stated = (int.from_bytes(head[place : place + 4], order) for place in (4, 8))
    return Samples(begin, None if stated == _ALL_ONES[4] else stated, (8, 4, order))


def _samples_of_sphere(file: BinaryIO) -> Samples | None:
    file.seek(0)
    header = file.read(1024)
    size = header[8:16].strip()
    fields = {name: int(value) for name, value in _SPHERE_FIELD.findall(header)}
    if not size.isdigit():
        return None
    frame = fields.get(b"channel_count", 1) * fields.get(b"sample_n_bytes", 0)
    stated = fields.get(b"sample_count", 0) * frame
    return Samples(int(size), stated or None, None, reads_on=True)


def _has_sound(file: BinaryIO) -> bool:
    while block := file.read(1 << 20):
        if any(block):
            return True
    return False
