"""What a file is that is not what was asked for, told by its first bytes."""

import os
import re
from pathlib import Path

HEAD_BYTES = 1024
PARQUET = "a Parquet file"

# What a file begins with, what that is, and what to do about it.
_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (
        b"version https://git-lfs.github.com/spec/",
        "a Git LFS pointer, which stands for a file that was not fetched",
        "run `git lfs pull` in its repository, or download the file itself",
    ),
    (b"\x1f\x8b", "a gzip archive", "unpack it, and name what it holds"),
    (b"BZh", "a bzip2 archive", "unpack it, and name what it holds"),
    (b"\xfd7zXZ\x00", "an xz archive", "unpack it, and name what it holds"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "unpack it, and name what it holds"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it, and name what it holds"),
    (b"Rar!", "a RAR archive", "unpack it, and name what it holds"),
    (b"PAR1", PARQUET, "give it the ending .parquet"),
    (b"%PDF", "a PDF", "name another file"),
    (b"\xd0\xcf\x11\xe0", "an old Office document (.xls)", "export it as CSV in UTF-8"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "name another file"),
    (b"SQLite format 3\x00", "a SQLite database", "export its table as CSV"),
    (b"\x93NUMPY", "a NumPy array", "name another file"),
    (b"GGUF", "a GGUF file", "name another file"),
    (b"\x7fELF", "a program", "name another file"),
    (b"RIFF", "a sound file", "name another file"),
    (b"fLaC", "a sound file", "name another file"),
    (b"OggS", "a sound file", "name another file"),
    (b"ID3\x03", "a sound file", "name another file"),
    (b"ID3\x04", "a sound file", "name another file"),
)
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_PAGE = re.compile(rb"\s*(?:<!doctype html|<html|<head|<\?xml|<!--|<script|<meta)", re.IGNORECASE)


def read_head(path: Path) -> bytes:
    """Read the first bytes of a file, at most `HEAD_BYTES`.

    Raises
    ------
    OSError
        If it cannot be opened.
    """
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def is_zip(head: bytes) -> bool:
    """Tell whether a file that begins so is a zip archive, as Excel's and torch's files are."""
    return head.startswith(_ZIP)


def foreign_kind(head: bytes) -> tuple[str, str] | None:
    """Recognise a file of a kind that is neither text nor a checkpoint.

    Returns
    -------
    tuple of str, or None
        What it is and what to do about it; None where its beginning says nothing.
    """
    for signature, what, remedy in _SIGNATURES:
        if head.startswith(signature):
            return what, remedy
    if head[257:262] == b"ustar":
        return "a tar archive", "unpack it, and name what it holds"
    if _PAGE.match(head):
        return (
            "a web page, perhaps of a sign-in or an error",
            "download the file itself: the address may want a log-in or another link",
        )
    if len(head) >= 64 and not any(head):
        return "empty space (bytes of zero): a download that did not end", "get it anew"
    return None


def why_unopened(path: Path, error: OSError) -> str:
    """Word why a file could not be opened, and what to do: a clause without the file's name."""
    if isinstance(error, PermissionError):
        return "you are not permitted to read it (Permission denied): correct its permissions"
    if isinstance(error, IsADirectoryError) or os.path.isdir(path):  # noqa: PTH112 (raises)
        return "it is a folder: name a file in it"
    if error.errno is None:
        return f"{str(error).splitlines()[0][:200]}: it is damaged or of another kind; get it anew"
    return f"{error.strerror}: correct its path"
