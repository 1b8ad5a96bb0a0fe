"""Worker processes that may die of what they work on: it costs the item, and no other.

A library in C can end a process on broken input, and a machine that is short of memory kills one.
Each worker has one item at a time, so its death names the item. The item is tried once more when
the others are done, alone: it may have been memory that the others took.
"""

import os
import signal
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar, cast

from sdd.runtime.worker_processes import PROCESSES, serve_main_process, start_workers

Item = TypeVar("Item")
Value = TypeVar("Value")

_SHORT_OF_MEMORY = 71
"""Exit status of a worker that got no memory."""


class WorkerDiedError(RuntimeError):
    """A worker ended in the midst of an item; the message says how."""


@dataclass(frozen=True)
class Outcome(Generic[Value]):
    """What became of an item."""

    _value: Value | None = None
    _error: Exception | None = None

    def value(self) -> Value:
        """Return what the function returned, or raise what it raised, or `WorkerDiedError`."""
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # None only where the function gave it


class Worker(Generic[Item, Value]):
    """A process that calls a function on one item after the other; it starts with the first.

    Parameters
    ----------
    function
        Of a module, since processes get it by its name.
    imports
        As of `sdd.runtime.worker_processes.start_workers`.
    """

    def __init__(self, function: Callable[[Item], Value], *, imports: Sequence[str]) -> None:
        self._function, self._imports = function, imports
        self._process: BaseProcess | None = None
        self.connection: Connection | None = None

    def call(self, item: Item) -> Outcome[Value]:
        """Call the function on an item and wait; after a death, once more in a new process."""
        self.give(item)
        outcome = self.take()
        if outcome is None:
            self.give(item)
            outcome = self.take()
        return self.death() if outcome is None else outcome

    def give(self, item: Item) -> None:
        """Hand an item over; a process that is not there is started."""
        if self._process is None or not self._process.is_alive():
            self._start()
        assert self.connection is not None
        try:
            self.connection.send(item)
        except OSError:  # it died while it had nothing to do
            self._start()
            self.connection.send(item)

    def take(self) -> Outcome[Value] | None:
        """Wait for the outcome of the item; None if the process died (`death` says how)."""
        assert self.connection is not None
        assert self._process is not None
        try:
            outcome: Outcome[Value] = self.connection.recv()
        except (EOFError, OSError):
            self._process.join()
            return None
        return outcome

    def death(self) -> Outcome[Value]:
        """Return how the process ended."""
        assert self._process is not None
        return Outcome(_error=WorkerDiedError(_how(self._process.exitcode or 0)))

    def close(self) -> None:
        """End the process, whatever it is doing."""
        if self.connection is not None:
            self.connection.close()
        if self._process is not None and self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _start(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.connection, theirs = PROCESSES.Pipe()
        process = PROCESSES.Process(target=_serve, args=(theirs, self._function), daemon=True)
        # The end of this object, or of the program, is the end of the process.
        start_workers(lambda: _started(process, self), imports=self._imports)
        theirs.close()
        self._process = process


def run_expendable(
    function: Callable[[Item], Value],
    items: Sequence[Item],
    *,
    workers: int,
    imports: Sequence[str],
) -> Generator[tuple[Item, Outcome[Value]], None, None]:
    """Call a function on many items in worker processes.

    Parameters
    ----------
    function, imports
        As of `Worker`.
    workers
        How many processes; no more than there are items.

    Yields
    ------
    item, outcome
        As they come, not in the order of the items.
    """
    team = [Worker(function, imports=imports) for _ in range(min(max(1, workers), len(items)))]
    again: list[Item] = []
    try:
        yield from _share_out(team, items, again)
    finally:
        for worker in team:
            worker.close()
    with closing(Worker(function, imports=imports)) as alone:
        for item in again:
            alone.give(item)
            yield item, alone.take() or alone.death()


def _share_out(
    team: Sequence[Worker[Item, Value]], items: Sequence[Item], died: list[Item]
) -> Iterator[tuple[Item, Outcome[Value]]]:
    """Keep all workers busy, an item each; note the items that a worker died of."""
    waiting, idle = deque(items), list(team)
    busy: dict[Connection, tuple[Worker[Item, Value], Item]] = {}
    while waiting or busy:
        while waiting and idle:
            worker, item = idle.pop(), waiting.popleft()
            worker.give(item)
            assert worker.connection is not None
            busy[worker.connection] = worker, item
        for connection in wait(list(busy)):
            worker, item = busy.pop(cast("Connection", connection))
            outcome = worker.take()
            idle.append(worker)
            if outcome is None:
                died.append(item)
            else:
                yield item, outcome


def _started(process: BaseProcess, worker: Worker[Item, Value]) -> Worker[Item, Value]:
    process.start()
    return worker


def _serve(connection: Connection, function: Callable[[Item], Value]) -> None:
    """Work in a worker process until the main process closes the connection."""
    serve_main_process()
    while True:
        try:
            item = connection.recv()
        except EOFError:
            return
        try:
            outcome: Outcome[Value] = Outcome(function(item))
        except MemoryError:
            os._exit(_SHORT_OF_MEMORY)
        except Exception as error:  # noqa: BLE001 (raised in the main process, by `value`)
            error.add_note(traceback.format_exc())
            outcome = Outcome(_error=error)
        connection.send(outcome)


def _how(status: int) -> str:
    """Word the exit status of a process."""
    if status == -signal.SIGKILL:
        return "the process that read it was killed, as happens where memory is short"
    if status == _SHORT_OF_MEMORY:
        return "it needs more memory than there is"
    if status < 0:
        return f"the process that read it died of {signal.Signals(-status).name}"
    return f"the process that read it ended with status {status}"
