"""Workers forked from a server beside workers forked from the training process, in turn.

`python benchmarks/reading_ahead.py`. Epochs of batches, cropped and through RawBoost, by two
workers: seconds to the first batch of an epoch, and of each batch after it. Each way has a process
of its own, whose first epoch starts the server.
"""

import argparse
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import soundfile

from sdd.data import batch_loading
from sdd.data.audio import SAMPLE_RATE
from sdd.data.dataset import CropRule, SegmentDataset

WAYS = ("fork", "server")
FILES, BATCH = 24, 6
Owner = TypeVar("Owner")


def fork_from_here() -> None:
    """Let loaders fork their workers from this process, as torch does unless told otherwise."""

    def start(loader: Callable[[], Owner], imports: Sequence[str]) -> tuple[Owner, set[Any]]:
        return loader(), set()

    batch_loading.PROCESSES = multiprocessing.get_context("fork")  # type: ignore[assignment]
    batch_loading.start_workers = start


def data_set(folder: Path, seconds: float) -> SegmentDataset:
    """Write noise, and make a data set of it."""
    generator = np.random.default_rng(0)
    samples = round(seconds * SAMPLE_RATE)
    names = [f"{number}.flac" for number in range(FILES)]
    for name in names:
        wave = 0.1 * generator.standard_normal(samples)
        soundfile.write(folder / name, wave, SAMPLE_RATE, subtype="PCM_16")
    starts = np.zeros(FILES, dtype=np.int64)
    crop = CropRule(13.0, 10.0, 13.0)
    return SegmentDataset(
        names, starts, starts + samples, starts, folder, crop=crop, rawboost=5, seed=1
    )


def measure(seconds: float, epochs: int, batches: int) -> None:
    """Print seconds to the first batch, and a batch after it, a line an epoch."""
    plan = [
        [(BATCH * number + place) % FILES for place in range(BATCH)] for number in range(batches)
    ]
    with tempfile.TemporaryDirectory() as folder:
        dataset = data_set(Path(folder), seconds)
        for epoch in range(epochs):
            began = time.perf_counter()
            reading = batch_loading.load_batches(dataset, plan, epoch=epoch, workers=2)
            next(reading)
            first = time.perf_counter() - began
            rest = sum(1 for _ in reading)
            after = (time.perf_counter() - began - first) / rest
            sys.stdout.write(f"{first:.6g} {after:.6g}\n")


def in_a_process(way: str, seconds: float, epochs: int, batches: int) -> list[list[float]]:
    """Measure one way in a process of its own; return first and after of each epoch."""
    words = [sys.executable, __file__, "--way", way, f"--seconds={seconds}"]
    words += [f"--epochs={epochs}", f"--batches={batches}"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return [[float(word) for word in line.split()] for line in done.stdout.splitlines()]


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--way", choices=WAYS, help="measure only this, and print it bare")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each recording")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batches", type=int, default=40)
    arguments = parser.parse_args()
    if arguments.way:
        if arguments.way == "fork":
            fork_from_here()
        measure(arguments.seconds, arguments.epochs, arguments.batches)
        return
    found: dict[str, list[list[list[float]]]] = {way: [] for way in WAYS}
    for _ in range(arguments.turns):
        for way in WAYS:
            shape = (arguments.seconds, arguments.epochs, arguments.batches)
            found[way].append(in_a_process(way, *shape))
    sys.stdout.write(f"{'':8} {'first epoch':>12} {'later ones':>11} {'a batch':>9}  (s)\n")
    for way in WAYS:
        first = statistics.median(turn[0][0] for turn in found[way])
        later = statistics.median(epoch[0] for turn in found[way] for epoch in turn[1:])
        batch = statistics.median(epoch[1] for turn in found[way] for epoch in turn)
        sys.stdout.write(f"{way:8} {first:12.3g} {later:11.3g} {batch:9.3g}\n")


if __name__ == "__main__":
    main()
