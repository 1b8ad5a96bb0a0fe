"""What the workflow does about clusters before it submits to one, or runs in a job of one."""

import signal
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def ignore_the_clusters_warning() -> None:
    """Ignore SIGUSR1 in this process and, until they listen to it, in those it starts.

    A cluster sends it some time before the time limit to every process of a job. The one that
    trains saves itself; the Snakemake around it would end at once, and the job with it.
    """
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)


def last_known(ask: Callable[[], Value | None], at_first: Value) -> Callable[[], Value]:
    """Make a function that asks, and returns what was last known when there is no answer (None).

    Before the first answer, `at_first` is taken for known.
    """
    known = at_first

    def ask_or_remember() -> Value:
        nonlocal known
        answer = ask()
        if answer is not None:
            known = answer
        return known

    return ask_or_remember
