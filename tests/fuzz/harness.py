"""Tries inputs in processes of their own and keeps those that are neither a result nor an error."""

import select
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from json import loads
from pathlib import Path

from tests.helpers.paths import CHECKOUT

DIED, HUNG = "died", "hung"
BEGUN = b"begun\n"
"""Said by the process once it has imported and prepared what an input needs."""


@dataclass
class Report:
    """What came of inputs: how many of each outcome, and the findings by target and number."""

    counts: Counter[str] = field(default_factory=Counter)
    findings: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return a line of counts, and a paragraph for each finding."""
        total = f"{self.counts.total()} inputs: {dict(self.counts)}"
        return "\n".join([total, *(f"--- {key}\n{text}" for key, text in self.findings.items())])


class Worker:
    """A process of `tests.fuzz.worker`, started anew when it dies or hangs."""

    def __init__(self, limit: float | None = None) -> None:
        """Take the seconds that an input may last; None waits for ever, as tests must.

        They begin with the input: a busy machine may take longer than that to start a process.
        """
        self.limit = limit
        self._process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.worker"],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,  # what is read ahead would be missed by `select`
        )

    def attempt(self, target: str, seed: str, number: int) -> dict[str, str]:
        """Try one input and return the worker's answer, or what became of the worker."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(f"{target} {seed} {number}\n".encode())
            stdin.flush()
        except BrokenPipeError:
            return self._lost(DIED)
        if stdout.readline() != BEGUN:
            return self._lost(DIED)
        if self.limit is not None and not select.select([stdout], [], [], self.limit)[0]:
            self._process.kill()
            return self._lost(HUNG)
        line = stdout.readline()
        return loads(line) if line else self._lost(DIED)

    def _lost(self, what: str) -> dict[str, str]:
        status = self._process.wait()
        self.close()
        self._process = self._start()
        return {"outcome": f"{what}: the process ended with status {status}"}

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # what was not sent to a dead process
                    pipe.close()
        self._process.wait()


def fuzz(
    worker: Worker, target: str, seed: str, numbers: Iterable[int], kept: Path | None = None
) -> Report:
    """Try inputs of a target by their numbers.

    Parameters
    ----------
    kept
        A folder for the bytes of findings.
    """
    report = Report()
    for number in numbers:
        answer = worker.attempt(target, seed, number)
        found = answer["outcome"]
        if found in ("result", "error"):
            report.counts[found] += 1
            continue
        report.counts["finding"] += 1
        report.findings[f"{target} {seed} {number}"] = found
        if kept is not None and "input" in answer:
            kept.mkdir(parents=True, exist_ok=True)
            (kept / f"{target}-{seed}-{number}").write_bytes(bytes.fromhex(answer["input"]))
    return report
