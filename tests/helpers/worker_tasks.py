"""What workers are asked to do in tests of `sdd.runtime.expendable_workers`."""

import os
import signal
import sys
from pathlib import Path


def square(number: int) -> int:
    return number * number


def square_unless_13(number: int) -> int:
    if number == 13:
        os.kill(os.getpid(), signal.SIGSEGV)
    if number == 14:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 15:
        sys.exit(3)
    if number == 16:
        raise MemoryError
    if number == 17:
        raise ValueError("seventeen")
    return number * number


def die_while_others_work(folder: Path) -> str:
    """Die unless alone: as if the others took the memory."""
    (folder / f"{os.getpid()}").touch()
    first = folder / "once"
    try:
        first.touch(exist_ok=False)
    except FileExistsError:
        return "done"
    os._exit(71)


def process_id(_item: object) -> int:
    return os.getpid()


def wait_long(place: Path) -> None:
    place.write_text(str(os.getpid()))
    signal.pause()  # until it is killed
