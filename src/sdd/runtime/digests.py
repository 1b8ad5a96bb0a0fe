"""Digests of files and of text: one way to name a content."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Return the digest of a file's bytes in hexadecimal: 64 digits of SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def files_digest(paths: Iterable[Path]) -> str:
    """Return one digest of several files, in their order: 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(bytes.fromhex(file_digest(path)))
    return digest.hexdigest()


def text_digest(text: str) -> str:
    """Return the SHA-256 of a text in hexadecimal, 64 digits."""
    return hashlib.sha256(text.encode()).hexdigest()
