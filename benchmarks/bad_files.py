"""A folder with bad recordings beside the good ones alone: preparing, taking stock, scoring.

`python benchmarks/bad_files.py`: 500 good recordings of 10 s (wav, flac, mp3, ogg) and 30 bad ones
of 16 kinds, two of which end the process that decodes them. Shown are how many came through, how
many were named, and the wall time with the bad ones over that without (s), in turn, each in a
process of its own, as a job has one.
"""

import argparse
import statistics
import subprocess
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


MEASURED = {"prepare": prepare, "take_stock": take_stock, "score": score}


def measure(what: str, paths: list[Path], workers: int) -> None:
    """Work on files whose end some do not outlive, and print how many came through or did not."""
    preparation._prepared = deadly.prepared
    file_facts.examine_file = deadly.examined
    recordings._prepare = deadly.recording
    with tempfile.TemporaryDirectory() as work:
        through, named = MEASURED[what](paths, Path(work), workers)
    sys.stdout.write(f"{through} {named}\n")


def in_a_process(what: str, names: Path, workers: int) -> tuple[float, int, int]:
    """Measure in a process of its own, as a job has one; return seconds and both numbers."""
    words = [sys.executable, __file__, "--what", what, "--names", str(names)]
    started = time.perf_counter()
    done = subprocess.run(
        [*words, f"--workers={workers}"], capture_output=True, text=True, check=True
    )
    seconds = time.perf_counter() - started
    through, named = map(int, done.stdout.split())
    return seconds, through, named


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--good", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=10.0, help="of a good recording")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--what", choices=MEASURED, help="measure only this, and print it bare")
    parser.add_argument("--names", type=Path, help="of --what: a file with a path a line")
    arguments = parser.parse_args()
    if arguments.what:
        paths = [Path(line) for line in arguments.names.read_text().splitlines()]
        measure(arguments.what, paths, arguments.workers)
        return
    with tempfile.TemporaryDirectory() as name:
        good, bad = write_recordings(Path(name, "files"), arguments.good, arguments.seconds)
        # Spread among the good ones, as they would be.
        step = max(1, len(good) // len(bad))
        mixed = list(good)
        for number, path in enumerate(bad):
            mixed.insert(number * (step + 1), path)
        lists = [Path(name, "good.txt"), Path(name, "mixed.txt")]
        for file, paths in zip(lists, (good, mixed), strict=True):
            file.write_text("\n".join(map(str, paths)))
        sys.stdout.write(f"{'':12} {'through':>7} {'named':>5}  {'s':>6}  wall with / without\n")
        for what in MEASURED:
            alone, ratios = [], []
            for _ in range(arguments.repeats):
                (before, *_), (seconds, through, named) = (
                    in_a_process(what, file, arguments.workers) for file in lists
                )
                alone.append(before)
                ratios.append(seconds / before)
            shown = ", ".join(f"{ratio:.3f}" for ratio in ratios)
            wall = statistics.median(alone)
            sys.stdout.write(f"{what:12} {through:7} {named:5}  {wall:6.1f}  {shown}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
