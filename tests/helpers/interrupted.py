"""Fine-tuning in a process of its own that tells what it is doing, so that it can be cut off."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path

from sdd.runtime.worker_processes import PROCESSES
from sdd.training import state, trainer
from sdd.training.finetuning import finetune
from tests.helpers.processes import begin_session, fork_own_server, wait_until_gone

SAVE, VALIDATION = "save", "validation"


@dataclass(frozen=True)
class Moment:
    """When a signal reaches every process of a run, workers too.

    Counted in calls of Python functions, not in seconds, which a busy machine stretches.
    """

    number: signal.Signals
    place: int | str
    """The number of a step, or the next save or validation."""
    calls: int
    """Function calls after that began."""


class _Signaller:
    """Sends the signal of a moment to the session that it runs in."""

    def __init__(self, moment: Moment) -> None:
        self.moment, self.left = moment, moment.calls

    def reached(self, place: int | str) -> None:
        """Begin to count if this is the place, the first time."""
        if place == self.moment.place and self.left == self.moment.calls:
            sys.setprofile(self._count)

    def _count(self, _frame: object, event: str, _argument: object) -> None:
        self.left -= event == "call"
        if self.left <= 0:
            sys.setprofile(None)
            os.killpg(0, self.moment.number)


def work(arguments, connection, moment, half_of_a_save, pause, forked_server):
    """In the process: fine-tune, and send the number of each step as it begins."""
    begin_session()
    if forked_server:
        fork_own_server()
    step_of_pause, file = pause or (None, None)
    signaller = _Signaller(moment) if moment else None
    save_state = state.torch.save

    def telling(method, place):
        def told(self, *values):
            here = self.progress.step + 1 if place is None else place
            connection.send(here)
            while here == step_of_pause and not file.exists():
                time.sleep(0.01)
            if signaller:
                signaller.reached(here)
            return method(self, *values)

        return told

    def cut_off(content, path):
        save_state(content, path)
        with Path(path).open("r+b") as file:
            file.truncate(Path(path).stat().st_size // 2)
        os.killpg(0, signal.SIGKILL)

    for name, place in (("train_step", None), ("validate", VALIDATION), ("save", SAVE)):
        setattr(trainer.Trainer, name, telling(getattr(trainer.Trainer, name), place))
    if half_of_a_save:
        state.torch.save = cut_off
    finetune(**arguments)


class Run:
    """A running process and what it has told so far.

    `pause` is the number of a step, and a file: the step waits for it. `forked_server` saves the
    start of the server of workers, which is then not that of a user.
    """

    def __init__(
        self, arguments, moment=None, *, half_of_a_save=False, pause=None, forked_server=False
    ):
        self.connection, theirs = PROCESSES.Pipe(duplex=False)
        self.process = PROCESSES.Process(
            target=work, args=(arguments, theirs, moment, half_of_a_save, pause, forked_server)
        )
        self.process.start()
        theirs.close()
        self.told = []

    def wait_for(self, news) -> None:
        """Wait until the process tells this."""
        while not self.told or self.told[-1] != news:
            self.told.append(self.connection.recv())

    def end(self, successor: "Run | None" = None) -> int:
        """Wait for the end, of its workers too; give the exit code, negative for a signal.

        A run that is paused until its `successor` wants the state would wait for ever, were that
        to fail before.
        """
        watched = successor
        try:
            while True:
                if watched and self.connection not in wait(
                    [self.connection, watched.process.sentinel]
                ):
                    watched.process.join()
                    assert watched.process.exitcode == 0, "the successor failed"
                    watched = None
                self.told.append(self.connection.recv())
        except EOFError:
            self.process.join()
        assert self.process.exitcode is not None
        wait_until_gone(self.process.pid)
        return self.process.exitcode

    @property
    def steps(self) -> list[int]:
        """Numbers of the steps that were begun, in order."""
        return [news for news in self.told if isinstance(news, int)]


@contextmanager
def running(arguments, moment=None, **options) -> Iterator[Run]:
    """Start a process; it is gone when the block is left."""
    run = Run(arguments, moment, **options)
    try:
        yield run
    finally:
        run.process.kill()
        run.process.join()
        run.connection.close()
