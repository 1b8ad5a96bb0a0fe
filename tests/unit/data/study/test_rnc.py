"""Unpacking of RNC: streams made by hand, and a writer of its own."""

import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdd.data.study.rnc import crc16, is_packed, unpack, unpacked_length
from sdd.errors import InputError
from tests.helpers.study_packages import RncWriter

# Two unused bits; a table of two symbols, the second with a code of one bit; two empty tables; one
# pair; the code. Symbol 1 is a length of 1: one literal, and no copy after the last.
LITERAL = [(0, 2), (2, 5), (0, 4), (1, 4), (0, 5), (0, 5), (1, 16), (0, 1)]


def words(numbers):
    """Put numbers, each of some bits, into words of 16 bits, lowest bit first."""
    value = place = 0
    for number, count in numbers:
        value |= number << place
        place += count
    return value.to_bytes(-(-place // 16) * 2, "little")


def header(unpacked, packed, blocks=1):
    sizes = len(unpacked).to_bytes(4, "big") + len(packed).to_bytes(4, "big")
    sums = crc16(unpacked).to_bytes(2, "big") + crc16(packed).to_bytes(2, "big")
    return b"RNC\x01" + sizes + sums + bytes([0, blocks]) + packed


def test_a_stream_written_by_hand():
    # 42 bits, so three words, and then the literal byte.
    stream = words(LITERAL) + b"A"
    assert len(stream) == 7
    assert unpack(header(b"A", stream), "it") == b"A"


def test_a_copy_may_run_into_what_it_writes():
    writer = RncWriter()
    writer.block([(b"ab", 2, 5), (b"c", 1, 2), (b"", 1, 2)])
    assert unpack(writer.packed(b"abababaccc"), "it") == b"abababaccc"


def test_blocks_follow_each_other_and_see_the_earlier_ones():
    writer = RncWriter()
    writer.block([(b"speech", 6, 3), (b"", 1, 2)])
    writer.block([(b"!", 10, 6), (b".", 1, 2)])
    wanted = b"speechspe!speech."
    assert unpack(writer.packed(wanted, blocks=2), "it") == wanted


@given(st.lists(st.tuples(st.binary(max_size=60), st.integers(1, 40), st.integers(2, 300))))
def test_what_a_writer_packs_comes_back(pairs):
    writer, wanted, kept = RncWriter(), bytearray(), []
    for literals, distance, length in pairs:
        wanted += literals
        distance = min(distance, len(wanted)) or 1
        length = length if wanted else 2
        if not wanted:
            continue
        kept.append((literals, distance, length))
        for _ in range(length):
            wanted.append(wanted[-distance])
    writer.block([*kept, (b"end", 1, 2)])
    wanted += b"end"
    packed = writer.packed(bytes(wanted))
    assert is_packed(packed)
    assert unpacked_length(packed) == len(wanted)
    assert unpack(packed + b"rest", "it") == wanted


def test_crc_of_the_standard_check():
    assert crc16(b"123456789") == 0xBB3D  # "CRC-16/ARC" in catalogues
    assert crc16(b"") == 0
    assert crc16(b"123456789") != binascii.crc_hqx(b"123456789", 0)


def test_damaged_streams_are_refused():
    writer = RncWriter()
    writer.block([(b"hello", 5, 5), (b"", 1, 2)])
    packed = writer.packed(b"hellohello")
    with pytest.raises(InputError, match="clip 7 is not packed"):
        unpack(b"RIFF" + packed[4:], "clip 7")
    with pytest.raises(InputError, match="clip 7 is damaged, by its checksum"):
        unpack(packed[:-1], "clip 7")
    with pytest.raises(InputError, match="clip 7 is damaged, by its checksum"):
        unpack(packed[:-1] + bytes([packed[-1] ^ 1]), "clip 7")
    with pytest.raises(InputError, match="comes out damaged"):
        unpack(writer.packed(b"hellohellp"), "clip 7")


def test_codes_that_lead_nowhere_are_refused():
    # A copy from before the beginning; and a table without a code.
    writer = RncWriter()
    writer.block([(b"a", 9, 5), (b"", 1, 2)])
    with pytest.raises(InputError, match="lead nowhere"):
        unpack(writer.packed(b"aaaaaa"), "clip 7")
    stream = words([(0, 2), (0, 5), (0, 5), (0, 5), (1, 16), (0, 1)])
    with pytest.raises(InputError, match="lead nowhere"):
        unpack(header(b"A", stream), "clip 7")
