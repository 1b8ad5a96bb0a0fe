"""One GPU a process, on a machine where nothing else hands them out.

A cluster shows a job only its own GPU. On a workstation every job sees all of them, and all would
take the first.
"""

import fcntl
import logging
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TextIO

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
def _claim(names: tuple[str, ...], folder: Path, poll_seconds: float) -> tuple[int, TextIO]:
    """Lock a GPU's file; the cache keeps it open, and with it the lock, while the process lives."""
    waiting = False
    while True:
        for index, name in enumerate(names):
            # Open to other users of the machine, too.
            file = (folder / f"sdd-gpu-{name}.lock").open("a", encoding="utf-8")
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                file.close()
                continue
            logger.info("GPU %d of %d (%s) is this process's", index, len(names), name)
            return index, file
        if not waiting:
            logger.warning("all %d GPUs are taken by other processes; waiting", len(names))
        waiting = True
        time.sleep(poll_seconds)
