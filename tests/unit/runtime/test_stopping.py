"""A request to stop."""

from sdd.runtime.stopping import StopRequest


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
