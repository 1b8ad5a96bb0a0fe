"""One GPU a process, on a machine where nothing else hands them out.

A cluster shows a job only its own GPU. On a workstation every job sees all of them, and all would
take the first.
"""

import fcntl
import logging
import os
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

logger = logging.getLogger(__name__)


def claim_gpu(names: Sequence[str], folder: Path | None = None, poll_seconds: float = 5.0) -> int:
    """Claim a GPU that no other process has claimed, until this process ends; wait for one.

    Parameters
    ----------
    names
        Names of the GPUs that do not change between processes (their UUIDs).
    folder
        Where the claims lie, for all processes of the machine; else the temporary folder.

    Returns
    -------
    int
        Index into `names`; the same each time this process asks.
    """
    return _claim(tuple(names), folder or Path(tempfile.gettempdir()), poll_seconds)[0]


@cache
def _claim(names: tuple[str, ...], folder: Path, poll_seconds: float) -> tuple[int, int]:
    """Lock a GPU's file, which stays open, and with it the lock, while the process lives."""
    waiting = False
    while True:
        for index, name in enumerate(names):
            number = _lock(folder / f"sdd-gpu-{name}.lock")
            if number is not None:
                logger.info("GPU %d of %d (%s) is this process's", index, len(names), name)
                return index, number
        if not waiting:
            logger.warning("all %d GPUs are taken by other processes; waiting", len(names))
        waiting = True
        time.sleep(poll_seconds)


def _lock(path: Path) -> int | None:
    """Lock a file that any user of the machine may have made; None where another process has it.

    `flock` takes a file that may only be read, so that nobody needs to write another user's.
    """
    number = _opened(path)
    if number is None:
        return None
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(number)
        return None
    return number


def _opened(path: Path) -> int | None:
    try:
        # Linux refuses to create over another user's file in a shared folder: it is opened first.
        return os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        try:
            number = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:  # another process made it in between
            return os.open(path, os.O_RDONLY)
        os.fchmod(number, 0o644)  # whatever the umask
        return number
    except PermissionError:
        logger.warning(
            "%s belongs to another user and cannot be read: its GPU counts as taken; remove the "
            "file if nobody uses that GPU",
            path,
        )
        return None
