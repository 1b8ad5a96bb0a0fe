"""One process at a time works on a state; a newer one asks the older to save itself and leave.

A job can outlive the Snakemake that submitted it. The job that is submitted in its place takes over
here: through files alone, so that it works between nodes that share no more than a file system.
"""

import fcntl
import logging
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ownership:
    """What the owner of a state knows.

    Attributes
    ----------
    request
        File by which another process asks for the state.
    taken_over
        Whether another process had the state before, and left.
    """

    request: Path
    taken_over: bool

    @property
    def wanted(self) -> bool:
        """Whether another process asks for the state."""
        return self.request.exists()


@contextmanager
def sole_owner(state: Path, *, poll_seconds: float = 1.0) -> Iterator[Ownership]:
    """Own a state for the block; ask whoever owns it to leave, and wait until then.

    Ownership is a POSIX lock, which ends with its process, however that ends.

    Parameters
    ----------
    state
        Folder of the state; ``{state}.lock`` and ``{state}.wanted`` lie beside it.
    """
    lock, request = state.with_name(f"{state.name}.lock"), state.with_name(f"{state.name}.wanted")
    lock.parent.mkdir(parents=True, exist_ok=True)
    taken_over = False
    while (file := _try_lock(lock)) is None:
        if not taken_over:
            logger.warning("%s; asking it to save and leave", _describe_owner(lock))
        taken_over = True
        request.touch()
        time.sleep(poll_seconds)
    try:
        request.unlink(missing_ok=True)
        file.truncate(0)
        file.write(_describe_process())
        file.flush()
        yield Ownership(request, taken_over)
    finally:
        lock.unlink(missing_ok=True)
        file.close()


def _try_lock(path: Path) -> TextIO | None:
    """Lock a file; None if another process has it, or has just removed it."""
    file = path.open("a+", encoding="utf-8")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file.fileno()).st_ino == path.stat().st_ino:
            return file
    except (BlockingIOError, PermissionError, FileNotFoundError):
        pass
    except OSError as error:  # no locks on this file system
        logger.warning(
            "%s cannot be locked (%s): start no second run of this cell", path, error.strerror
        )
        return file
    file.close()
    return None


def _describe_process() -> str:
    job = os.environ.get("SLURM_JOB_ID") or os.environ.get("JOB_ID")
    cluster_job = f", cluster job {job}" if job else ""
    return f"process {os.getpid()} on {platform.node()}{cluster_job}"


def _describe_owner(lock: Path) -> str:
    try:
        owner = lock.read_text(encoding="utf-8")
    except FileNotFoundError:
        owner = ""
    return f"{owner or 'another process'} is training this cell"
