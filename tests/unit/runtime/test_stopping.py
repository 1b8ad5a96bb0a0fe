"""A request to stop."""

import signal

import pytest

from sdd.runtime.stopping import SIGNALS, StopRequest


class Asking:
    """Another process that asks for a state, for a moment."""

    def __init__(self, *answers):
        self.answers = iter(answers)

    @property
    def wanted(self):
        return next(self.answers)


def test_a_request_stands_though_the_other_gives_up():
    stop = StopRequest(Asking(False, True, False, False))
    assert [stop.requested for _ in range(4)] == [False, True, True, True]


def test_nobody_asks():
    assert not StopRequest().requested


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_noted(number, caplog):
    handler = signal.getsignal(number)
    with StopRequest().listening() as stop:
        assert not stop.requested
        signal.raise_signal(number)
        assert stop.requested
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(number) == handler
    assert f"{number.name}: saving the state and stopping" in caplog.messages


def test_a_second_interrupt_does_not_wait():
    with StopRequest().listening() as stop:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert stop.requested
