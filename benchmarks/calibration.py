"""What a calibration costs beyond the true likelihood ratios, by simulation.

Scores of both classes are normal with one deviation, so that their likelihood ratios are known. A
calibration is fitted on some and tried on 200,000 others: its Cllr divided by that of the true
ratios, mean and worst of several fits.

    .venv/bin/python benchmarks/calibration.py
"""

import argparse
import sys
from statistics import NormalDist

import numpy as np

from sdd.metrics.affine_calibration import fit_affine_map
from sdd.metrics.calibration import cllr

DEVIATIONS = (0.5, 1.0, 2.0, 4.0, 6.0)


def draw(
    generator: np.random.Generator, deviation: float, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return true log-likelihood ratios of real and of fake trials, ``float64 [count]`` each."""
    mean = deviation**2 / 2
    return generator.normal(mean, deviation, count), generator.normal(-mean, deviation, count)


def ratio(seed: int, deviation: float, fitted: int, tried: int) -> tuple[float, float]:
    """Return the cost of a fit over that of the true ratios, and the latter in bits."""
    generator = np.random.default_rng(seed)
    found = fit_affine_map(*(0.7 * one + 1.5 for one in draw(generator, deviation, fitted)))
    real, fake = draw(generator, deviation, tried)
    ideal = cllr(real, fake)
    return cllr(found(0.7 * real + 1.5), found(0.7 * fake + 1.5)) / ideal, ideal


def main() -> None:
    """Print a line for each detector and size of the fitted set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fitted", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--tried", type=int, default=200_000)
    parser.add_argument("--fits", type=int, default=10)
    arguments = parser.parse_args()
    sys.stdout.write(f"{'EER %':>7} {'ideal Cllr':>10} {'a class':>8} {'mean':>8} {'worst':>8}\n")
    for deviation in DEVIATIONS:
        for fitted in arguments.fitted:
            found = [
                ratio(seed, deviation, fitted, arguments.tried) for seed in range(arguments.fits)
            ]
            costs, ideal = zip(*found, strict=True)
            rate = 100 * NormalDist().cdf(-deviation / 2)
            sys.stdout.write(
                f"{rate:7.2f} {np.mean(ideal):10.4f} {fitted:8} {np.mean(costs):8.4f} "
                f"{max(costs):8.4f}\n"
            )


if __name__ == "__main__":
    main()
