"""Folders that may not be read, also where the tests run as root, whom no permission binds."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def as_nobody() -> Iterator[None]:
    """Give up root's right to read everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@contextmanager
def folder_for_others() -> Iterator[Path]:
    """Make a folder that others may enter; those above pytest's own are closed to them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@contextmanager
def closed(modes: Mapping[Path, int]) -> Iterator[None]:
    """Set the permissions of folders; for the block this process is one that they bind."""
    for folder, mode in modes.items():
        folder.chmod(mode)
    try:
        with as_nobody():
            yield
    finally:
        for folder in modes:
            folder.chmod(0o755)
