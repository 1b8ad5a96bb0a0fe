"""A folder with bad recordings beside the good ones alone: preparing, taking stock, scoring.

`python benchmarks/bad_files.py`: 500 good recordings of 10 s (wav, flac, mp3, ogg) and 30 bad ones
of 16 kinds, two of which end the process that decodes them. Shown are how many came through, how
many were named, and the wall time with the bad ones over that without, in turn.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

from sdd.data import preparation
from sdd.data.audio.table import read_failures
from sdd.data.inventory import file_facts
from sdd.detector.architectures import find_architecture
from sdd.detector.detector import Detector
from sdd.scoring import recordings
from tests.helpers import deadly
from tests.helpers.odd_audio import write_bad_files
from tests.helpers.tiny_detectors import TINY

RATE = 16_000
KINDS = ("wav", "flac", "mp3", "ogg")


def write_recordings(folder: Path, good: int, seconds: float) -> tuple[list[Path], list[Path]]:
    """Write good recordings and 30 bad ones; return both lists."""
    generator = np.random.default_rng(0)
    sound, broken = [], []
    folder.mkdir()
    for number in range(good):
        path = folder / f"{number:04d}.{KINDS[number % len(KINDS)]}"
        soundfile.write(path, generator.normal(0, 0.1, round(seconds * RATE)), RATE)
        sound.append(path)
    for part in ("a", "b"):
        names = write_bad_files(folder / part)
        broken += [folder / part / name for name in names]
    for name in deadly.SIGNALS:
        soundfile.write(folder / f"{name}.wav", np.zeros(RATE), RATE)
        broken.append(folder / f"{name}.wav")
    return sound, broken


def prepare(paths: list[Path], work: Path, workers: int) -> tuple[int, int]:
    """Prepare files as `prepare_audio` does; return how many came through and how many not."""
    names = [str(path) for path in paths]
    rows = preparation.prepare_corpus(
        names, work, work, "bench", workers=workers, allowed_failures=len(names)
    )
    return len(rows), len(read_failures(work, "bench"))


def take_stock(paths: list[Path], work: Path, workers: int) -> tuple[int, int]:
    """Decode files as `check_corpora` does."""
    facts = file_facts.examine_files(paths, work / "facts.jsonl", workers=workers, title="")
    failed = sum(bool(found.error) for found in facts.values())
    return len(facts) - failed, failed


def score(paths: list[Path], _work: Path, _workers: int) -> tuple[int, int]:
    """Score files as `sdd score` does, by a tiny detector."""
    torch.set_num_threads(1)
    detector = Detector(find_architecture(TINY))
    detector.initialise(0)
    unreadable: dict[Path, str] = {}
    scores = recordings.score_recordings(
        detector, paths, unreadable, window_seconds=15.0, batch_seconds=8.0
    )
    return sum(1 for _ in scores), len(unreadable)


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--good", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=10.0, help="of a good recording")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    preparation._prepared = deadly.prepared
    file_facts.examine_file = deadly.examined
    recordings._prepare = deadly.recording
    with tempfile.TemporaryDirectory() as name:
        good, bad = write_recordings(Path(name, "files"), arguments.good, arguments.seconds)
        # Spread among the good ones, as they would be.
        step = max(1, len(good) // len(bad))
        mixed = list(good)
        for number, path in enumerate(bad):
            mixed.insert(number * (step + 1), path)
        sys.stdout.write(f"{'':12} {'through':>7} {'named':>5}  wall with / without\n")
        for what in (prepare, take_stock, score):
            ratios = []
            with tempfile.TemporaryDirectory(dir=name) as work:
                what(good[:2], Path(work), arguments.workers)  # imports, and the fork server
            for _ in range(arguments.repeats):
                seconds = []
                for paths in (good, mixed):
                    with tempfile.TemporaryDirectory(dir=name) as work:
                        started = time.perf_counter()
                        through, named = what(paths, Path(work), arguments.workers)
                        seconds.append(time.perf_counter() - started)
                ratios.append(seconds[1] / seconds[0])
            shown = ", ".join(f"{ratio:.3f}" for ratio in ratios)
            sys.stdout.write(f"{what.__name__:12} {through:7} {named:5}  {shown}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
