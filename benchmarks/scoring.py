"""Scoring utterances of mixed lengths in batches, beside one utterance at a time, in turn.

`python benchmarks/scoring.py --architecture tiny mms_300m`. Both sides read the same FLAC files,
run the same detector of random weights, and must give the same logits; only the batches differ.
Times are processor seconds: other processes on the machine do not count. `at most` is the ratio
that batches would have if all their operations ran at the matrix peak measured beside them.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))

import numpy as np
import soundfile
import torch
import yaml

from sdd.data.batch_loading import load_batches
from sdd.data.batching import length_sorted_batches
from sdd.data.dataset import SegmentDataset
from sdd.data.segments import COLUMNS, Segments
from sdd.detector import ARCHITECTURES, Detector, find_architecture
from sdd.detector.inference import predict
from sdd.experiment.costs import forward_operations
from sdd.experiment.scoring_batches import CPU_BATCH_SECONDS

RATE = 16_000


def mixed_lengths(folder: Path, audio_seconds: float, shortest: float, longest: float) -> Segments:
    """Write noise of log-uniform durations, about so much in all, and give its segment table."""
    generator = np.random.default_rng(0)
    mean = (longest - shortest) / np.log(longest / shortest)
    count = max(2, round(audio_seconds / mean))
    seconds = np.exp(generator.uniform(np.log(shortest), np.log(longest), count))
    samples = (seconds * RATE).astype(np.int64)
    names = [f"{shortest}-{number}.flac" for number in range(count)]
    for name, length in zip(names, samples, strict=True):
        wave = 0.1 * generator.standard_normal(length)
        soundfile.write(folder / name, wave, RATE, subtype="PCM_16")
    text = {column: names for column in COLUMNS if column not in ("start", "end", "label")}
    labels = ["real", "fake"] * (count // 2) + ["real"] * (count % 2)
    return Segments(**text, label=labels, start=np.zeros(count, dtype=np.int64), end=samples)


def detector_of(name: str) -> Detector:
    """Make a detector of random weights; tiny is the demo's largest."""
    if name == "tiny":
        demo = yaml.safe_load((ROOT / "demo/config.yaml").read_text(encoding="utf-8"))
        made = Detector(find_architecture(demo["models"]["tiny_l"]["architecture"]))
    else:
        made = Detector(ARCHITECTURES[name])
    made.initialise(0)
    return made.eval()


def score(
    detector: Detector, table: Segments, folder: Path, batches: list[list[int]]
) -> tuple[float, np.ndarray]:
    """Give processor seconds and logits."""
    started = time.process_time()
    loader = load_batches(SegmentDataset.of(table, folder), batches, epoch=0)
    logits = predict(detector, loader, count=len(table), precision="fp32")
    return time.process_time() - started, logits


def measure(
    detector: Detector, table: Segments, folder: Path, batch_seconds: float, turns: int
) -> tuple[list[tuple[float, float]], float]:
    """Give the seconds of both sides in each turn, and the largest difference of a logit."""
    alone = [[index] for index in range(len(table))]
    together = length_sorted_batches(table.durations, batch_seconds)
    score(detector, table, folder, alone[:2])  # warms up
    times, difference = [], 0.0
    for turn in range(turns):
        # Who comes first changes from turn to turn.
        order = [alone, together] if turn % 2 else [together, alone]
        (first, logits), (second, others) = (
            score(detector, table, folder, batches) for batches in order
        )
        difference = max(difference, float(np.abs(logits - others).max()))
        times.append((first, second) if turn % 2 else (second, first))
    return times, difference


def matrix_peak(size: int = 2048, repeats: int = 5) -> float:
    """Measure the operations a second of large matrix products, the best of some."""
    one, other = (torch.randn(size, size) for _ in range(2))
    rates = []
    with torch.inference_mode():
        for _ in range(repeats):
            started = time.process_time()
            one @ other
            rates.append(2 * size**3 / (time.process_time() - started))
    return max(rates)


def least_seconds(detector: Detector, table: Segments, peak: float) -> float:
    """Give the seconds that all operations of a pass over the table take at the matrix peak."""
    encoder = detector.architecture
    return sum(
        forward_operations(encoder, float(seconds)) * float(seconds) / peak
        for seconds in table.durations
    )


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", nargs="+", default=["tiny", "mms_300m"])
    parser.add_argument("--audio-seconds", type=float, default=60.0)
    parser.add_argument(
        "--lengths", nargs="+", default=["0.1-0.5", "0.5-2", "2-15"], help="seconds, from-to"
    )
    parser.add_argument("--batch-seconds", type=float, default=CPU_BATCH_SECONDS)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    line = "{:10} {:>9} {:>7} {:>9} {:>10} {:>7} {:>13} {:>8} {:>13}\n"
    heads = (
        "encoder",
        "lengths",
        "audio s",
        "alone s",
        "batches s",
        "ratio",
        "spread",
        "at most",
        "difference",
    )
    sys.stdout.write(line.format(*heads))
    for encoder in arguments.architecture:
        detector = detector_of(encoder)
        for lengths in arguments.lengths:
            shortest, longest = (float(number) for number in lengths.split("-"))
            with tempfile.TemporaryDirectory() as name:
                table = mixed_lengths(Path(name), arguments.audio_seconds, shortest, longest)
                times, difference = measure(
                    detector, table, Path(name), arguments.batch_seconds, arguments.turns
                )
                least = least_seconds(detector, table, matrix_peak())
            alone = statistics.median(one for one, _ in times)
            ratios = sorted(one / other for one, other in times)
            cells = (
                encoder,
                lengths,
                f"{table.durations.sum():.0f}",
                f"{alone:.3g}",
                f"{statistics.median(other for _, other in times):.3g}",
                f"{statistics.median(ratios):.2f}",
                f"{ratios[0]:.2f}-{ratios[-1]:.2f}",
                f"{alone / least:.3g}",
                f"{difference:.1e}",
            )
            sys.stdout.write(line.format(*cells))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
