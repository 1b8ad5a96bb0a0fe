"""Fuzz by hand: ``python -m tests.fuzz --minutes 60`` (`make fuzz MINUTES=60`).

Each finding is a line `TARGET SEED NUMBER` with what happened, and its bytes lie in the folder of
findings. ``--only "TARGET SEED NUMBER"`` tries one again in this process.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.fuzz.harness import Report, Worker, fuzz
from tests.fuzz.targets import TARGETS
from tests.fuzz.worker import make_input, outcome

FINDINGS = Path(".fuzz")
TURN = 100  # inputs of a target, before the next one has its turn


def main() -> int:
    """Fuzz for some minutes; the status is 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--targets", nargs="*", choices=TARGETS, default=list(TARGETS))
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--limit", type=float, default=10, help="seconds that an input may last")
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(10**6)))
    parser.add_argument("--only", metavar="TARGET SEED NUMBER")
    arguments = parser.parse_args()
    if arguments.only:
        return _again(*arguments.only.split())
    reports = {name: Report() for name in arguments.targets}
    lock = threading.Lock()
    end = time.monotonic() + 60 * arguments.minutes

    def work(own: int) -> None:
        worker = Worker(arguments.limit)
        start = 0
        while time.monotonic() < end:
            for name in arguments.targets:
                numbers = range(start, start + TURN)
                found = fuzz(worker, name, f"{arguments.seed}.{own}", numbers, FINDINGS)
                with lock:
                    reports[name].counts.update(found.counts)
                    reports[name].findings.update(found.findings)
                for key, text in found.findings.items():
                    sys.stdout.write(f"--- {key}\n{text}\n")
                    sys.stdout.flush()
                if time.monotonic() >= end:
                    break
            start += TURN
        worker.close()

    threads = [threading.Thread(target=work, args=(own,)) for own in range(arguments.workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, report in reports.items():
        sys.stdout.write(f"{name}: {report.counts.total()} inputs, {dict(report.counts)}\n")
    total = sum(report.counts.total() for report in reports.values())
    findings = sum(len(report.findings) for report in reports.values())
    sys.stdout.write(f"{total} inputs, {findings} findings (seed {arguments.seed})\n")
    return 1 if findings else 0


def _again(name: str, seed: str, number: str) -> int:
    target = TARGETS[name]
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        seeds = target.prepare(Path(folder))
        path = Path(folder, target.file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make_input(target, seeds, seed, int(number)))
        sys.stdout.write(f"{outcome(target, Path(folder), path)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
