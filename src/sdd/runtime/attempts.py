"""Attempts of a job: so that one that failed is made again.

Where a job with an ``update()`` output fails, Snakemake puts the old file back and records it as
made with the new parameters: it would not try again. Such a rule therefore has one parameter more,
the text of a file beside its output. A job first writes a text of its own there, and puts back what
stood there when it has succeeded: after a failure, and only then, the parameter is another one.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sdd.runtime.atomic_files import atomic_path


def read_attempt(path: Path) -> str:
    """Return the text of the last attempt that failed; empty if there is none."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""


@contextmanager
def attempt(path: Path, before: str) -> Iterator[None]:
    """Mark the block as an attempt, which counts as failed unless it ends well.

    Parameters
    ----------
    before
        As `read_attempt` returned it when the job was planned.
    """
    _write(path, secrets.token_hex(8))
    yield
    _write(path, before)


def _write(path: Path, text: str) -> None:
    if not text:
        path.unlink(missing_ok=True)
        return
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
