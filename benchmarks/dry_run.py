"""Dry runs of the paper's experiment at 1, 3 and 10 times its rounds, in turn: processor seconds.

`python benchmarks/dry_run.py`. Ten times the rounds are ten times the cells (but those of `none`).
"""

import argparse
import re
import resource
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def dry_run(rounds: int) -> tuple[int, float]:
    """Plan the whole experiment; give its jobs and the processor seconds that took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "reason", "--config"]
    done = subprocess.run(
        [*command, f"rounds={rounds}", "--", "all"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    jobs = re.search(r"^total +(\d+)$", done.stdout + done.stderr, re.M)
    assert jobs is not None
    return int(jobs[1]), (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, nargs="+", default=[3, 9, 30])
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    turns = [{n: dry_run(n) for n in arguments.rounds} for _ in range(arguments.repeats)]
    first = arguments.rounds[0]
    sys.stdout.write(f"{'rounds':>6} {'jobs':>6} {'s':>7} {'ratio (range)':>20}\n")
    for rounds in arguments.rounds:
        seconds = statistics.median(turn[rounds][1] for turn in turns)
        ratios = sorted(turn[rounds][1] / turn[first][1] for turn in turns)
        sys.stdout.write(
            f"{rounds:6} {turns[0][rounds][0]:6} {seconds:7.3g} {statistics.median(ratios):7.2f} "
            f"({ratios[0]:.2f}-{ratios[-1]:.2f})\n"
        )


if __name__ == "__main__":
    main()
