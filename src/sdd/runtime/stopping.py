"""Being asked to stop: a job saves what it has and leaves, to be started again."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from sdd.runtime.ownership import Ownership

STOPPED = 75
"""Exit status of a run that was asked to stop and saved itself (EX_TEMPFAIL: try again)."""
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
"""What asks a run to stop: a cluster, a cluster's warning, Ctrl-C."""

logger = logging.getLogger(__name__)


class StopRequest:
    """Notes signals, so that a step is finished first; a second Ctrl-C does not wait for that.

    Parameters
    ----------
    ownership
        Of the run's state: another process that asks for it is a request to stop, too.
    """

    def __init__(self, ownership: Ownership | None = None) -> None:
        self.ownership = ownership
        self.signalled = False

    @property
    def requested(self) -> bool:
        """Whether a signal has come, or another process asks for the state."""
        if self.ownership is not None and self.ownership.wanted:
            # For good: who asked may have given up, but a validation may have been left out for it.
            self.signalled = True
        return self.signalled

    def _note(self, number: int, _frame: object) -> None:
        if number == signal.SIGINT and self.signalled:
            raise KeyboardInterrupt
        logger.warning("%s: saving the state and stopping", signal.Signals(number).name)
        self.signalled = True

    @contextmanager
    def listening(self) -> Iterator["StopRequest"]:
        """Listen while the block runs."""
        before = [signal.signal(number, self._note) for number in SIGNALS]
        try:
            yield self
        finally:
            for number, handler in zip(SIGNALS, before, strict=True):
                signal.signal(number, handler)
