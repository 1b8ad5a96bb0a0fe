"""What is known of a run's jobs: done, running, and how long the rest may take."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

UNTIMED_SHARE = 0.1
"""Share of the remaining jobs that may be of rules of which none has ended yet, in an estimate."""


@dataclass(frozen=True)
class Job:
    """A job that runs.

    Attributes
    ----------
    words
        What it does, for people.
    since
        Seconds since the epoch.
    submitted
        Whether it was handed to a cluster, where it may wait.
    """

    rule: str
    words: str
    since: float
    submitted: bool = False


@dataclass(frozen=True)
class Remaining:
    """How long the rest may take; where `whole` is false, at least so long."""

    seconds: float
    whole: bool


class Jobs:
    """The jobs of a run, as far as its messages tell."""

    def __init__(self) -> None:
        self.done = self.total = 0
        self.failed = 0
        self.running: dict[int, Job] = {}
        self._planned: Counter[str] = Counter()
        self._seconds: dict[str, list[float]] = {}
        self._first: float | None = None

    def plan(self, counts: Mapping[str, int]) -> None:
        """Take down how many jobs of each rule there will be, as far as is known at the start."""
        self._planned = Counter(counts)
        self.total = self._planned.total()

    def start(self, number: int, job: Job) -> None:
        """Take down a job that begins, or begins again."""
        self.running[number] = job
        self._first = job.since if self._first is None else self._first

    def finish(self, number: int, now: float) -> Job | None:
        """Take down that a job is done, and return it; None if nothing was known of it."""
        self.done += 1
        job = self.running.pop(number, None)
        if job is not None:
            self._seconds.setdefault(job.rule, []).append(now - job.since)
        return job

    def fail(self, number: int) -> Job | None:
        """Take down that a job failed, and return it; None if nothing was known of it."""
        self.failed += 1
        return self.running.pop(number, None)

    def progress(self, done: int, total: int) -> None:
        """Correct the counts: the total grows when a checkpoint tells of further jobs."""
        self.done, self.total = done, total

    def remaining(self, now: float) -> Remaining | None:
        """Estimate how long the rest takes: by the mean of what ended of the same rule.

        Jobs run beside each other as they did so far: work is divided by the seconds of all jobs
        over the seconds that passed. None while nothing is known of any job that remains.
        """
        work, timed = 0.0, 0
        for rule, seconds in self._seconds.items():
            left, mean = self._planned[rule] - len(seconds), sum(seconds) / len(seconds)
            # A job that runs longer than the mean may end at any moment.
            spent = [
                min(now - job.since, mean) for job in self.running.values() if job.rule == rule
            ]
            if left > 0:
                timed += left
                work += max(0.0, left * mean - sum(spent))
        left_in_all = self.total - self.done
        if not timed or self._first is None or left_in_all <= 0:
            return None
        untimed = max(0, left_in_all - timed)
        return Remaining(work / self._beside(now), untimed <= UNTIMED_SHARE * left_in_all)

    def _beside(self, now: float) -> float:
        """Return how many jobs ran at once, on average."""
        assert self._first is not None
        busy = sum(map(sum, self._seconds.values()))
        busy += sum(now - job.since for job in self.running.values())
        return max(1.0, busy / max(now - self._first, 1e-9))
