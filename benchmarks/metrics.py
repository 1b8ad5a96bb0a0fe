"""EER and costs beside sorting, the Wasserstein distance beside loops over scipy and POT.

`python benchmarks/metrics.py`. The sizes are those of the largest sets of the paper's experiment:
10 million scores; 22,296 x 1,920 embeddings against 11,816 x 1,920 as float32. Times are processor
seconds of one thread; memory is how much the peak of the process rises.
"""

import argparse
import os
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import NormalDist

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["POT_BACKEND_DISABLE_PYTORCH"] = "1"

import numpy as np
import ot
from scipy.stats import wasserstein_distance

from sdd.metrics.calibration import cllr_min
from sdd.metrics.detection_costs import min_dcf
from sdd.metrics.drift import wasserstein_per_dimension
from sdd.metrics.drift_interval import ClusteredPoints, sample_drift
from sdd.metrics.error_rates import eer


def cpu_seconds(call: Callable[[], object]) -> tuple[float, object]:
    """Measure the processor time of a call; give its result, too."""
    started = time.process_time()
    result = call()
    return time.process_time() - started, result


def peak_bytes() -> int:
    """Give the largest resident memory of this process so far, as Linux counts it."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) * 1024


def measure_eer(scores: int, turns: int) -> None:
    """Show what an EER takes beside sorting the same scores."""
    generator = np.random.default_rng(0)
    real = generator.normal(1, 1, scores // 2)
    fake = generator.normal(-1, 1, scores - scores // 2)
    both = np.concatenate([real, fake])
    pairs = [
        (cpu_seconds(lambda: np.sort(both))[0], cpu_seconds(lambda: eer(real, fake))[0])
        for _ in range(turns)
    ]
    ratios = sorted(ours / sort for sort, ours in pairs)
    sort, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    sys.stdout.write(
        f"EER of {scores} scores: {ours:.2f} s, sorting them {sort:.2f} s; "
        f"ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})\n"
    )


def measure_costs(scores: int) -> None:
    """Show what the least detection cost and the best calibration take beside sorting."""
    generator = np.random.default_rng(0)
    real = generator.normal(1, 1, scores // 2)
    fake = generator.normal(-1, 1, scores - scores // 2)
    sort, _ = cpu_seconds(lambda: np.sort(np.concatenate([real, fake])))
    for name, measure in (("minDCF", min_dcf), ("Cllr_min", cllr_min)):
        ours, value = cpu_seconds(lambda measure=measure: measure(real, fake))
        sys.stdout.write(
            f"{name} of {scores} scores: {ours:.2f} s, {ours / sort:.1f} times sorting them; "
            f"{value:.4f}\n"
        )


def measure_drift(points: int, reference: int, dimensions: int, replicates: int) -> None:
    """Show what the distance takes beside loops over dimensions, and whether all agree."""
    generator = np.random.default_rng(0)
    x = generator.standard_normal((points, dimensions), dtype=np.float32)
    y = generator.standard_normal((reference, dimensions), dtype=np.float32) + np.float32(0.1)
    before = peak_bytes()
    ours, distances = cpu_seconds(lambda: wasserstein_per_dimension(x, y))
    rise = peak_bytes() - before
    others = {
        "scipy": lambda: [wasserstein_distance(x[:, d], y[:, d]) for d in range(dimensions)],
        # POT adds up in the type that it is given.
        "POT": lambda: [
            ot.wasserstein_1d(x[:, d].astype(np.float64), y[:, d].astype(np.float64), p=1)
            for d in range(dimensions)
        ],
    }
    sys.stdout.write(
        f"W1 of {points} x {dimensions} against {reference} x {dimensions}: {ours:.1f} s, "
        f"memory + {rise / 2**20:.0f} MiB (data {(x.nbytes + y.nbytes) / 2**20:.0f} MiB)\n"
    )
    for name, call in others.items():
        theirs, expected = cpu_seconds(call)
        error = np.max(np.abs(np.array(expected) / np.array(distances) - 1))
        sys.stdout.write(
            f"  {name}: {theirs:.1f} s, {theirs / ours:.1f} times ours; "
            f"largest relative difference {error:.1e}\n"
        )
    if replicates:
        taken, _ = cpu_seconds(
            lambda: sample_drift(clustered(x), clustered(y), replicates=replicates)
        )
        sys.stdout.write(f"  interval of {replicates} replicates: {taken:.0f} s\n")


def clustered(points: np.ndarray, groups: np.ndarray | None = None) -> ClusteredPoints:
    """Give points with their clusters, each its own unless said otherwise."""
    numbers = np.arange(len(points)) if groups is None else groups
    return ClusteredPoints(points, [str(number) for number in numbers], f"of {len(points)}")


def simulate_coverage(simulations: int) -> None:
    """Show how often 95 % intervals of drift hold the true distance of two distributions.

    60 sources of 5 segments each, which share four fifths of their variance, and 300 independent
    reference points, in 6 dimensions; in each dimension the distributions are normal.
    """
    quantiles = np.array([NormalDist().inv_cdf((n + 0.5) / 20_000) for n in range(20_000)])
    sources = np.repeat(np.arange(60), 5)
    for shift, scale in ((1.0, 1.0), (0.3, 1.0), (0.3, 1.3), (0.0, 1.3)):
        generator = np.random.default_rng(0)
        true = np.abs(quantiles * scale + shift - quantiles).mean()
        hits = {"sources": 0, "segments": 0}
        for seed in range(simulations):
            shared, own = generator.normal(size=(60, 6)), generator.normal(size=(300, 6))
            x = scale * (2 * shared[sources] + own) / np.sqrt(5) + shift
            y = generator.normal(size=(300, 6))
            for drawn, groups in (("sources", sources), ("segments", np.arange(300))):
                found = sample_drift(clustered(x, groups), clustered(y), seed=seed).interval()
                hits[drawn] += found.low <= true <= found.high
        shares = ", ".join(f"{name} {count / simulations:.3f}" for name, count in hits.items())
        sys.stdout.write(f"coverage, shift {shift}, scale {scale}: drawing {shares}\n")


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=int, default=10_000_000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--points", type=int, default=22_296)
    parser.add_argument("--reference", type=int, default=11_816)
    parser.add_argument("--dimensions", type=int, default=1920)
    parser.add_argument("--replicates", type=int, default=0, help="of the interval; 0: none")
    parser.add_argument("--simulations", type=int, default=0, help="of coverage; 0: none")
    arguments = parser.parse_args()
    measure_eer(arguments.scores, arguments.turns)
    measure_costs(arguments.scores)
    measure_drift(arguments.points, arguments.reference, arguments.dimensions, arguments.replicates)
    if arguments.simulations:
        simulate_coverage(arguments.simulations)


if __name__ == "__main__":
    main()
