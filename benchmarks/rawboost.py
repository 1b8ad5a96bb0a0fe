"""RawBoost's audio seconds a second and core, beside a direct implementation, in turn in one run.

`python benchmarks/rawboost.py --seconds 10`. The direct one filters sample by sample with
`scipy.signal.lfilter` and designs one filter after the other, as the published code does.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np

from sdd.data.rawboost import ALGORITHMS, rawboost
from tests.helpers.direct_rawboost import RATE, direct_rawboost


def cpu_seconds(call: Callable[[], object]) -> float:
    """Measure the CPU time of a call: other processes on the machine do not count."""
    started = time.process_time()
    call()
    return time.process_time() - started


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of a waveform")
    parser.add_argument("--repeats", type=int, default=15)
    arguments = parser.parse_args()
    samples = round(arguments.seconds * RATE)
    wave = (0.1 * np.random.default_rng(0).standard_normal(samples)).astype(np.float32)
    double = wave.astype(np.float64)
    sys.stdout.write(f"{'algorithm':>9} {'direct':>8} {'here':>8} {'ratio':>7}  audio s/s\n")
    for algorithm in ALGORITHMS[1:]:
        ours, theirs = np.random.default_rng(1), np.random.default_rng(1)
        times = []
        for _ in range(arguments.repeats + 1):
            direct = cpu_seconds(lambda: direct_rawboost(double, algorithm, theirs))  # noqa: B023
            here = cpu_seconds(lambda: rawboost(wave, algorithm, ours))  # noqa: B023
            times.append((direct, here))
        # The first call imports and warms up.
        direct, here = (statistics.median(column) for column in zip(*times[1:], strict=True))
        sys.stdout.write(
            f"{algorithm:9} {arguments.seconds / direct:8.4g} {arguments.seconds / here:8.4g} "
            f"{direct / here:7.3g}\n"
        )


if __name__ == "__main__":
    main()
