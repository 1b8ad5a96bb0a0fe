"""Fine-tuning in a process of its own that tells what it is doing, so that it can be cut off.

A fork server imports torch once: real processes, each with its own memory, for milliseconds.
"""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sdd.training import state, trainer
from sdd.training.finetuning import finetune

PROCESSES = multiprocessing.get_context("forkserver")
# What AdamW and RawBoost import when they are first used, too.
PROCESSES.set_forkserver_preload(["sdd.training.finetuning", "torch._dynamo", "scipy.fft"])
SAVING = "saving"
VALIDATING = "validating"


def work(arguments, connection, hangs_in_a_save):
    """In the process: fine-tune, and send the number of each step as it begins."""
    train_step, validate = trainer.Trainer.train_step, trainer.Trainer.validate
    save = state.torch.save

    def telling(self, batch):
        connection.send(self.progress.step + 1)
        return train_step(self, batch)

    def telling_of_validation(self, stop):
        connection.send(VALIDATING)
        validate(self, stop)

    def hanging(content, path):
        save(content, path)
        with Path(path).open("r+b") as file:
            file.truncate(Path(path).stat().st_size // 2)
        connection.send(SAVING)
        time.sleep(600)

    trainer.Trainer.train_step = telling
    trainer.Trainer.validate = telling_of_validation
    if hangs_in_a_save:
        state.torch.save = hanging
    finetune(**arguments)


class Run:
    """A running process and what it has told so far."""

    def __init__(self, arguments, *, hangs_in_a_save=False):
        self.connection, theirs = PROCESSES.Pipe(duplex=False)
        self.process = PROCESSES.Process(target=work, args=(arguments, theirs, hangs_in_a_save))
        self.process.start()
        theirs.close()
        self.told = []

    def wait_for(self, news) -> None:
        """Wait until the process tells this."""
        while not self.told or self.told[-1] != news:
            self.told.append(self.connection.recv())

    def wait_for_steps(self, count) -> None:
        """Wait until the process has begun so many steps."""
        while len(self.steps) < count:
            self.told.append(self.connection.recv())

    def end(self) -> int:
        """Wait for the end; give the exit code, negative for a signal."""
        try:
            while True:
                self.told.append(self.connection.recv())
        except EOFError:
            self.process.join()
        assert self.process.exitcode is not None
        return self.process.exitcode

    @property
    def steps(self) -> list[int]:
        """Numbers of the steps that were begun, in order."""
        return [news for news in self.told if isinstance(news, int)]


@contextmanager
def running(arguments, **options) -> Iterator[Run]:
    """Start a process; it is gone when the block is left."""
    run = Run(arguments, **options)
    try:
        yield run
    finally:
        run.process.kill()
        run.process.join()
        run.connection.close()
