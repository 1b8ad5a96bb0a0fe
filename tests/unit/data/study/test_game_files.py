"""Tables of contents of the games' data files."""

import struct

import pytest

from sdd.data.study.game_files import Entry, queen_entries, sky_entries, sky_sound, stretch
from sdd.errors import InputError
from tests.helpers.study_packages import RncWriter, queen_file


def test_queen_lists_names_places_and_sizes(tmp_path):
    path = tmp_path / "queen.1c"
    path.write_bytes(queen_file({"020001P2.SB": b"first", "X9.PCX": b"picture"}))
    entries = queen_entries(path)
    assert entries == [Entry("020001P2.SB", 57, 5), Entry("X9.PCX", 62, 7)]
    assert stretch(path, entries[1].offset, entries[1].size) == b"picture"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"QT", "is no data file"),
        (b"RIFF" + queen_file({})[4:], "is no data file"),
        (queen_file({}, compression=2), "sounds of kind 2, not mp3"),
        (queen_file({"A.SB": b"", "B.SB": b""})[:-1], "is cut short"),
    ],
)
def test_other_files_are_no_queen(tmp_path, data, problem):
    (tmp_path / "queen.1c").write_bytes(data)
    with pytest.raises(InputError, match=problem):
        queen_entries(tmp_path / "queen.1c")


def sky_entry(number, offset, size):
    return struct.pack("<H", number) + offset.to_bytes(3, "little") + size.to_bytes(3, "little")


def test_sky_lists_speech(tmp_path):
    path = tmp_path / "sky.dnr"
    entries = [
        sky_entry(12, 0, 700),  # a picture
        sky_entry(50_003, 4_000, 900),
        sky_entry(50_004, 0x800000 | 300, 0x800000 | 50),  # in steps of 16 bytes; not packed
        sky_entry(50_005, 8, 0x400000 | 60),  # a flag that is not looked at
        sky_entry(60_110, 9_000, 10),  # a text
    ]
    path.write_bytes(struct.pack("<I", len(entries)) + b"".join(entries))
    assert sky_entries(path) == [
        Entry("0003", 4_000, 900, True),
        Entry("0004", 4_800, 50, False),
        Entry("0005", 8, 60, True),
    ]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"sky\.dnr is no table .* cut short"):
        sky_entries(path)


def test_sounds_of_sky_are_unpacked_where_they_are_packed():
    writer = RncWriter()
    writer.block([(b"\x80\x7f", 2, 6), (b"", 1, 2)])
    body = writer.packed(b"\x80\x7f" * 4)
    header = b"\x81" + bytes(21)
    assert sky_sound(header + body, True, "it") == b"\x80\x7f" * 4
    assert sky_sound(bytes(22) + b"\x80\x80", True, "it") == b"\x80\x80"
    assert sky_sound(header + b"\x80\x80", False, "it") == b"\x80\x80"
    with pytest.raises(InputError, match="sound 7 is not packed"):
        sky_sound(header + b"noise" * 9, True, "sound 7")


def test_a_stretch_beyond_the_end(tmp_path):
    (tmp_path / "data").write_bytes(b"12345")
    assert stretch(tmp_path / "data", 1, 3) == b"234"
    with pytest.raises(InputError, match="data ends before 6 bytes"):
        stretch(tmp_path / "data", 3, 3)
