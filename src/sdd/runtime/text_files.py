"""Text that users hand in: UTF-8, or an error that names the row, the encoding and the remedy."""

import io
from pathlib import Path

from sdd.errors import InputError
from sdd.runtime.foreign_files import HEAD_BYTES, foreign_kind, is_zip, why_unopened

# Byte-order marks; that of UTF-32 begins with UTF-16's.
_WIDE_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)


def read_text(path: Path) -> str:
    """Read a text file in UTF-8, with or without a byte-order mark; line ends stay as they are.

    Raises
    ------
    InputError
        If it is missing, a folder, closed to the user, of another kind or encoding, or holds NUL
        characters: the row, and how to convert it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        # The system's words first: "No such file or directory" is what people search for.
        raise InputError(f"{path} cannot be read: {why_unopened(path, error)}.") from error
    _refuse_other_kinds(path, data)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(_not_utf8(path, data, error.start)) from error
    text = text.lstrip("\ufeff")
    if "\0" in text:
        raise InputError(
            f"{path}, row {_row(text, text.index(chr(0)))}: a NUL character, which text does not "
            "have: the file is damaged, or no text. Restore it, or export it anew."
        )
    return text


def split_lines(text: str) -> list[str]:
    r"""Split text as editors do, at ``\n``, ``\r\n`` and ``\r`` alone; ends are kept."""
    return io.StringIO(text, newline="").readlines()


def _refuse_other_kinds(path: Path, data: bytes) -> None:
    head = data[:HEAD_BYTES]
    if is_zip(head):
        raise InputError(
            f"{path} is a zip archive or an Excel workbook (.xlsx), not UTF-8 text: export the "
            "table as CSV in UTF-8, or unpack it."
        )
    found = foreign_kind(head)
    if found is not None:
        raise InputError(f"{path} is {found[0]}, not UTF-8 text: {found[1]}.")
    wide = next((name for mark, name in _WIDE_MARKS if data.startswith(mark)), None)
    # Without a mark: every second byte of Latin letters in UTF-16 is 0.
    if wide is None and len(head) >= 4 and (_mostly_zero(head[1::2]) or _mostly_zero(head[::2])):
        wide = "UTF-16"
    if wide is not None:
        raise InputError(
            f"{path} is not UTF-8 text: it is in {wide} ('Unicode text' in some programs). Save it "
            f"as UTF-8, or run: iconv -f {wide} -t UTF-8 OLD > NEW"
        )


def _mostly_zero(data: bytes) -> bool:
    return data.count(0) > 0.8 * len(data)


def _not_utf8(path: Path, data: bytes, position: int) -> str:
    before = data[:position].decode("utf-8", errors="replace")
    around = data[max(0, position - 12) : position + 12].decode("cp1252", errors="replace")
    return (
        f"{path} is not UTF-8 text: byte 0x{data[position]:02X} in row "
        f"{_row(before, len(before))} ({around!r} if it were Windows-1252). It seems to be in "
        "Latin-1 or Windows-1252: save it as UTF-8 ('CSV UTF-8' in Excel), or run: "
        "iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW"
    )


def _row(text: str, position: int) -> int:
    """Return the number, from 1, of the line that a position is in."""
    before = text[:position]
    return 1 + before.count("\n") + before.count("\r") - before.count("\r\n")
