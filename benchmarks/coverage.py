"""Share of 95 % intervals of an EER that hold the true EER, on simulated recordings.

Each source has several segments, and a share of the variance of scores is the source's. Beside the
bootstrap over sources stands the naive one over segments, which takes them for independent.
"""

import argparse
import math
import sys
import time
from pathlib import Path

import numpy as np
from scipy.special import ndtri

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sdd.metrics import RankedTrials, root_interval, source_keys, weight_chunks
from sdd.metrics.error_rates import eer

# Sources a class, segments a source, the source's share of the variance, EER.
SETTINGS = (
    (40, 10, 0.5, 0.10),
    (40, 10, 0.5, 0.02),
    (40, 10, 0.8, 0.25),
    (40, 20, 0.2, 0.10),
    (200, 5, 0.5, 0.05),
)


def bootstrap_eer(trials: RankedTrials, keys: np.ndarray, replicates: int) -> np.ndarray:
    """Return the replicates of an EER, [replicates]."""
    pieces = [trials.weighted_eers(weights) for weights in weight_chunks(keys, replicates)]
    return np.concatenate(pieces)


def coverage(
    sources: int, segments: int, share: float, rate: float, simulations: int, replicates: int
) -> tuple[float, float]:
    """Give the coverage of the bootstrap over sources and of that over segments.

    Scores are normal with variance 1 about +d/2 (real) and -d/2 (fake), so the EER is Phi(-d/2).
    """
    generator = np.random.default_rng(1)
    source = np.repeat(np.arange(2 * sources), segments)
    real = source < sources
    covered = [0, 0]
    for number in range(simulations):
        of_source = generator.normal(size=2 * sources)[source]
        of_segment = generator.normal(size=source.size)
        scores = np.where(real, -ndtri(rate), ndtri(rate))
        scores = scores + math.sqrt(share) * of_source + math.sqrt(1 - share) * of_segment
        found, _ = eer(scores[real], scores[~real])
        for place, units in enumerate((source, np.arange(source.size))):
            keys = source_keys([str(n) for n in range(units[-1] + 1)], seed=number)
            drawn = bootstrap_eer(RankedTrials(scores, real, units), keys, replicates)
            low, high = root_interval(found, drawn, (units[-1] + 1) // 2)
            covered[place] += low <= rate <= high
    return covered[0] / simulations, covered[1] / simulations


def seconds(trials: int, sources: int, replicates: int) -> float:
    """Give the CPU time of a bootstrap of a test set of so many trials."""
    generator = np.random.default_rng(2)
    real = np.arange(trials) < trials // 2
    scores = generator.normal(size=trials) + np.where(real, 1.5, -1.5)
    keys = source_keys([str(number) for number in range(sources)])
    units = np.arange(trials) * sources // trials
    start = time.process_time()
    bootstrap_eer(RankedTrials(scores, real, units), keys, replicates)
    return time.process_time() - start


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=500)
    parser.add_argument("--replicates", type=int, default=1000)
    options = parser.parse_args()
    sys.stdout.write("sources  segments  share   EER   over sources  over segments\n")
    for sources, segments, share, rate in SETTINGS:
        ours, naive = coverage(
            sources, segments, share, rate, options.simulations, options.replicates
        )
        sys.stdout.write(
            f"{sources:7d}  {segments:8d}  {share:5.1f}  {rate:4.0%}  {ours:12.1%}  {naive:13.1%}\n"
        )
    for sources in (30_000, 1_500):
        taken = seconds(30_000, sources, 2 * options.replicates)
        sys.stdout.write(
            f"{2 * options.replicates} replicates of 30,000 trials from {sources:,} sources: "
            f"{taken:.2f} s\n"
        )


if __name__ == "__main__":
    main()
