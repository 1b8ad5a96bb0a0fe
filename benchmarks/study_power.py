"""What differences the study could show, by simulation of its test sets and rounds.

docs/study-plan.md has the table. Trials are simulated as in `coverage.py`, and judged by the code
of `comparisons.csv` and `claims.csv`: one recording a cluster, detectors that share half of their
errors, and rounds whose true EERs differ by a standard deviation, half of whose variance all sets
share. How large that is for a small encoder is not known beforehand: there is a line for each of
some, and afterwards for those that were seen (`--spreads`, `--eer`; docs/study.md).

`python benchmarks/study_power.py` takes a minute and a half of one core.
"""

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / part) for part in ("src", ".")]

from benchmarks.coverage import Corpus, Simulated
from sdd.analysis.claims.judging import ClaimTest, Difference
from sdd.metrics.estimates import Estimate, Rounds, average, difference_of_means

CLIPS = {"queen": 500, "sky": 400, "prompts": 400, "phone": 400, "neural": 400}
"""Of each class, by test set (docs/study-plan.md)."""
OUT_OF_DOMAIN = tuple(name for name in CLIPS if name != "queen")
EER = 30.0
SPREADS = (0.5, 1.0, 2.0, 3.0)
DIFFERENCES = (2.0, 4.0, 6.0, 8.0)
LEVEL = 0.05


def row_of_the_table(
    data: Mapping[str, Simulated],
    eer: float,
    spread: float,
    rounds: int,
    generator: np.random.Generator,
) -> dict[str, Rounds]:
    """Simulate an algorithm on every test set; `spread` is that of its rounds, in points."""
    shared, *own = generator.normal(size=(1 + len(data), rounds)) * spread / math.sqrt(2)
    return {
        name: corpus.rounds(((eer + shared + shift) / 100).tolist())
        for (name, corpus), shift in zip(data.items(), own, strict=True)
    }


def differences(
    eer: float, spread: float, rounds: int, simulations: int
) -> dict[str, list[Estimate]]:
    """Simulate the difference of two equal algorithms, in domain and out of it on average."""
    found: dict[str, list[Estimate]] = {"in domain": [], "out of domain": []}
    for number in range(simulations):
        # Another seed for each corpus: of one seed they would hold the same clips.
        generator, first = np.random.default_rng([number, 4]), number * len(CLIPS)
        data = {
            name: Simulated(Corpus(name, (clips, clips), 1, 0.0, mixed=True), first + place)
            for place, (name, clips) in enumerate(CLIPS.items())
        }
        a, b = (row_of_the_table(data, eer, spread, rounds, generator) for _ in "ab")
        outside = [average([row[name] for name in OUT_OF_DOMAIN]) for row in (a, b)]
        found["in domain"].append(difference_of_means(a["queen"], b["queen"]))
        found["out of domain"].append(difference_of_means(*outside))
    return found


def told(estimates: Sequence[Estimate], true: float) -> float:
    """Return how often a true difference is told from zero: it moves the value, not the error."""
    moved = [Estimate(one.value + true, error=one.error, freedom=one.freedom) for one in estimates]
    return float(np.mean([one.p_value < LEVEL for one in moved]))


def called_equal(estimates: Sequence[Estimate]) -> float:
    """Return how often two equal algorithms are called equal within the margin of the claims."""
    tests = [
        ClaimTest("", Difference(one.value + EER, EER, one.error, one.freedom), "equal")
        for one in estimates
    ]
    return float(np.mean([test.p_met < LEVEL for test in tests]))


def main() -> None:
    """Print a line for each domain and spread of rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--spreads", type=float, nargs="+", default=SPREADS, help="of rounds, points"
    )
    parser.add_argument("--eer", type=float, default=EER, help="of every test set, percent")
    options = parser.parse_args()
    heads = "".join(f"{true:5.0f}" for true in (0.0, *DIFFERENCES))
    sys.stdout.write(
        f"                       least      told from zero, %, if truly   called\n"
        f"spread of rounds  difference   {heads}  equal, %\n"
    )
    for spread in options.spreads:
        simulated = differences(options.eer, spread, options.rounds, options.simulations)
        for domain, found in simulated.items():
            least = float(np.median([one.smallest for one in found]))
            shares = "".join(f"{100 * told(found, true):5.0f}" for true in (0.0, *DIFFERENCES))
            equal = 100 * called_equal(found)
            sys.stdout.write(f"{domain:13s} {spread:3.1f} {least:11.1f}   {shares}{equal:10.0f}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
