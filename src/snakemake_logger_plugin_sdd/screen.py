"""What a run says while it goes on: a line a job in a file, a bar in a terminal."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from rich.console import Console

from snakemake_logger_plugin_sdd.bottom_lines import BottomLines
from snakemake_logger_plugin_sdd.jobs import Job, Jobs
from snakemake_logger_plugin_sdd.words import MOST_RUNNING, failure_text, finished_line, status

FEWEST_LINES = 2 * (MOST_RUNNING + 1)
"""A terminal with fewer gets plain lines."""
_TICK_SECONDS = 1.0


class PlainScreen:
    """A line for each job that is done or failed: for pipes, files and terminals without margins.

    Parameters
    ----------
    now
        Returns seconds since the epoch.
    """

    def __init__(self, console: Console, now: Callable[[], float] = time.time) -> None:
        self.console, self.now, self.jobs = console, now, Jobs()

    def plan(self, counts: Mapping[str, int]) -> None:
        """Say how many jobs there will be."""
        self.jobs.plan(counts)
        self.say(f"{self.jobs.total} jobs to do")

    def start(self, number: int, job: Job) -> None:
        """Hear that a job begins."""
        self.jobs.start(number, job)

    def finish(self, number: int) -> None:
        """Hear that a job is done."""
        job = self.jobs.finish(number, self.now())
        if job is not None:
            self.say(finished_line(self.jobs, job, self.now()))

    def progress(self, done: int, total: int) -> None:
        """Hear how many jobs are done, of how many."""
        self.jobs.progress(done, total)

    def fail(self, number: int, rule: str, logs: Iterable[str], otherwise: str) -> None:
        """Hear that a job failed, and say so with the end of its logs; parameters as there."""
        job = self.jobs.fail(number)
        words = job.words if job else f"rule {rule}"
        self.say(failure_text(words, logs, otherwise), "red")

    def say(self, text: str, style: str = "") -> None:
        """Show a message as it is, however long its lines are."""
        self.console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Leave the terminal as it was."""


class TerminalScreen(PlainScreen):
    """A bar at the bottom of a terminal with what runs; messages and failures scroll above it."""

    def __init__(self, console: Console, now: Callable[[], float] = time.time) -> None:
        super().__init__(console, now)
        self._began = now()
        self._lines = BottomLines(console.file, self._size)
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._ticks: threading.Thread | None = None

    def plan(self, counts: Mapping[str, int]) -> None:
        """Show the bar, from now on at every second."""
        with self._lock:
            self.jobs.plan(counts)
            self._began = self.now()
        self.draw()
        if self._ticks is None:
            self._ticks = threading.Thread(target=self._tick, daemon=True)
            self._ticks.start()

    def start(self, number: int, job: Job) -> None:
        """Show a job that begins."""
        with self._lock:
            super().start(number, job)
        self.draw()

    def finish(self, number: int) -> None:
        """Move the bar."""
        with self._lock:
            self.jobs.finish(number, self.now())
        self.draw()

    def progress(self, done: int, total: int) -> None:
        """Move the bar, or make it longer."""
        with self._lock:
            super().progress(done, total)
        self.draw()

    def say(self, text: str, style: str = "") -> None:
        """Show a message above the bar."""
        with self._lock:
            super().say(text, style)

    def draw(self) -> None:
        """Draw the bar anew, once jobs are known and until the screen is closed."""
        with self._lock:
            if not self.jobs.total or self._closed.is_set():
                return
            with self.console.capture() as capture:
                self.console.print(status(self.jobs, self._began, self.now()))
            self._lines.show(capture.get().splitlines()[: MOST_RUNNING + 1])

    def close(self) -> None:
        """Erase the bar and leave the terminal as it was."""
        self._closed.set()
        if self._ticks is not None:
            self._ticks.join()
            self._ticks = None
        with self._lock:
            self._lines.clear()

    def _tick(self) -> None:
        while not self._closed.wait(_TICK_SECONDS):
            self.draw()

    def _size(self) -> os.terminal_size:
        return os.terminal_size(self.console.size)


def screen_for(console: Console) -> PlainScreen:
    """Choose by what the console writes to."""
    moves = console.is_terminal and not console.is_dumb_terminal
    return (
        TerminalScreen(console)
        if moves and console.size.height >= FEWEST_LINES
        else PlainScreen(console)
    )
