"""Worker processes, forked from a server that has no threads: a fork beside threads may hang.

Those that read for a training job leave its signals to the main process. A cluster signals every
process of a job, a terminal every process of its foreground: the main process saves its state and
ends its workers, while workers that died of the signal would make it fail in whatever it was at.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker
from multiprocessing.process import BaseProcess
from multiprocessing.util import Finalize
from types import ModuleType
from typing import TypeVar

from sdd.runtime.stopping import SIGNALS

PROCESSES = multiprocessing.get_context("forkserver")
EXIT_PRIORITY = 10
"""Any number: before multiprocessing asks with SIGTERM, to which workers are deaf, and waits."""

Owner = TypeVar("Owner")


@contextmanager
def process_pool(workers: int, *, imports: Sequence[str]) -> Iterator[ProcessPoolExecutor]:
    """Give a pool of worker processes to the block.

    Parameters
    ----------
    imports
        As of `start_workers`.
    """
    with _no_main_script():
        PROCESSES.set_forkserver_preload(list(imports))
        with ProcessPoolExecutor(workers, mp_context=PROCESSES) as pool:
            yield pool


def serve_main_process(_worker: int = 0) -> None:
    """Leave signals to the main process, and end when it does; called in a worker, at first.

    A server and its workers wait for each other to end: of the death of a main process that was
    killed they would not know.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    threading.Thread(target=_end_with_main_process, daemon=True).start()


def start_workers(
    start: Callable[[], Owner], *, imports: Sequence[str]
) -> tuple[Owner, set[BaseProcess]]:
    """Start an object that starts processes of `PROCESSES`; they end with it, at the latest.

    Parameters
    ----------
    start
        Returns the object; when that is collected, or the program ends, what still runs is killed.
    imports
        Modules that the server imports once for all workers, where it is not running yet. Not of
        the library itself: on Python 3.11 the server would not look where this process does.

    Returns
    -------
    owner, workers
        The object and its processes.
    """
    before = set(multiprocessing.active_children())
    with _signals_blocked(), _no_main_script():
        PROCESSES.set_forkserver_preload(list(imports))
        # First, since starting it unblocks some signals of this process.
        resource_tracker.ensure_running()
    with _signals_blocked(), _no_main_script():
        forkserver.ensure_running()
        owner = start()
    workers = set(multiprocessing.active_children()) - before
    Finalize(owner, _kill, args=(workers,), exitpriority=EXIT_PRIORITY)
    return owner, workers


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Block the signals: what is started meanwhile never gets them, not even at its beginning."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _no_main_script() -> Iterator[None]:
    """Hide the main script, which workers would run again: a Snakemake script has no guard."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _end_with_main_process() -> None:
    main = multiprocessing.parent_process()
    if main is not None:
        main.join()
    os._exit(1)


def _kill(workers: set[BaseProcess]) -> None:
    for worker in workers:
        if worker.is_alive():
            worker.kill()
