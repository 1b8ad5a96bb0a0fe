"""Scoring utterances of mixed lengths in batches, beside one utterance at a time, in turn.

`python benchmarks/scoring.py --architecture tiny mms_300m`. Both sides read the same FLAC files,
run the same detector of random weights, and must give the same logits; only the batches differ.
Times are processor seconds: other processes on the machine do not count.
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

from sdd.batching import load_batches
from sdd.detector import ARCHITECTURES, Detector, architecture
from sdd.inference import predict
from sdd.segment_data import durations, length_sorted_batches, make_dataset
from sdd.segments import COLUMNS, Segments

RATE = 16_000
DEVICE = torch.device("cpu")


def mixed_lengths(folder: Path, count: int, shortest: float, longest: float) -> Segments:
    """Write noise of log-uniform durations, and give its segment table."""
    generator = np.random.default_rng(0)
    seconds = np.exp(generator.uniform(np.log(shortest), np.log(longest), count))
    samples = (seconds * RATE).astype(np.int64)
    names = [f"{number}.flac" for number in range(count)]
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
        made = Detector(architecture(demo["models"]["tiny_l"]["architecture"]))
    else:
        made = Detector(ARCHITECTURES[name])
    made.initialise(0)
    return made.eval()


def score(
    detector: Detector, table: Segments, folder: Path, batches: list[list[int]]
) -> tuple[float, np.ndarray]:
    """Give processor seconds and logits."""
    started = time.process_time()
    loader = load_batches(make_dataset(table, folder), batches, epoch=0)
    logits = predict(detector, loader, count=len(table), device=DEVICE, precision="fp32")
    return time.process_time() - started, logits


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", nargs="+", default=["tiny", "mms_300m"])
    parser.add_argument("--utterances", type=int, default=48)
    parser.add_argument("--shortest", type=float, default=0.5, help="seconds")
    parser.add_argument("--longest", type=float, default=15.0, help="seconds")
    parser.add_argument("--batch-seconds", type=float, default=60.0)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    line = "{:10} {:>8} {:>10} {:>10} {:>7} {:>13} {:>12}\n"
    sys.stdout.write(
        line.format("encoder", "audio s", "alone s", "batches s", "ratio", "spread", "largest diff")
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = mixed_lengths(folder, arguments.utterances, arguments.shortest, arguments.longest)
        alone = [[index] for index in range(len(table))]
        together = length_sorted_batches(durations(table), arguments.batch_seconds)
        for encoder in arguments.architecture:
            detector = detector_of(encoder)
            score(detector, table, folder, alone[:2])
            turns, difference = [], 0.0
            for turn in range(arguments.turns):
                sides = [alone, together] if turn % 2 else [together, alone]
                (first, logits), (second, others) = (
                    score(detector, table, folder, batches) for batches in sides
                )
                difference = max(difference, float(np.abs(logits - others).max()))
                turns.append((first, second) if turn % 2 else (second, first))
            ratios = sorted(one / other for one, other in turns)
            sys.stdout.write(
                line.format(
                    encoder,
                    f"{durations(table).sum():.0f}",
                    f"{statistics.median(one for one, _ in turns):.2f}",
                    f"{statistics.median(other for _, other in turns):.2f}",
                    f"{statistics.median(ratios):.2f}",
                    f"{ratios[0]:.2f}-{ratios[-1]:.2f}",
                    f"{difference:.1e}",
                )
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
