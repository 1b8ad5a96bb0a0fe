"""Holding a checkpoint's file against the digest that is known of it."""

import hashlib
from pathlib import Path

from sdd.errors import InputError
from sdd.runtime.digests import file_digest

FETCH_AGAIN = (
    "delete it and fetch it again, or correct `digest` (where the config gives none, it is the one "
    "of the first download, in the .sha256 file beside it)"
)
CORRECT = "name the right file as `source`, or correct `digest`"
GIT_BLOB = "git-blob"
"""Git's name of a file: SHA-1 of its kind, its size and its bytes."""


def check_digest(path: Path, digest: str, remedy: str = FETCH_AGAIN) -> None:
    """Hold a file against a digest such as ``md5:...``.

    Parameters
    ----------
    remedy
        For the message: what to do about it.

    Raises
    ------
    InputError
        If they differ.
    """
    algorithm, _, expected = digest.partition(":")
    found = _git_blob_digest(path) if algorithm == GIT_BLOB else file_digest(path, algorithm)
    if found != expected:
        raise InputError(
            f"{path}: its {algorithm} is {found}, not {expected}; it is damaged or another file: "
            f"{remedy}"
        )


def _git_blob_digest(path: Path) -> str:
    content = path.read_bytes()  # the hub keeps what is large under its SHA-256
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
