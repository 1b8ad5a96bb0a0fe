# /// script
# requires-python = ">=3.11"
# dependencies = ["librosa==0.11.0", "soundfile>=0.13"]
# ///
"""Segments as they are commonly made: each duration decoded, sliced and written as mp3 again.

`uv run --script benchmarks/baselines/librosa_segments.py SOURCES TARGET --cores 2`. Every source is
decoded once for each duration with librosa, at its own rate, and every segment is encoded in the
format of its source. `benchmarks/corpora.py` runs it beside the workflow's preparation.
"""

import argparse
import itertools
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import librosa
import soundfile


def write_segments(source: Path, seconds: int, target: Path) -> int:
    """Cut one source into segments of one duration; give their number."""
    samples, rate = librosa.load(source, sr=None)
    step = seconds * rate
    folder = target / f"{seconds}s"
    folder.mkdir(parents=True, exist_ok=True)
    starts = range(0, len(samples), step)
    for number, start in enumerate(starts, start=1):
        segment = folder / f"{source.stem}_seg{number}{source.suffix}"
        soundfile.write(segment, samples[start : start + step], rate)
    return len(starts)


def main() -> None:
    """Cut every source into all durations."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--durations", type=int, nargs="+", default=[4, 10, 13, 30, 50])
    arguments = parser.parse_args()
    pairs = itertools.product(sorted(arguments.sources.iterdir()), arguments.durations)
    with ProcessPoolExecutor(arguments.cores) as pool:
        list(pool.map(partial(write_segments, target=arguments.target), *zip(*pairs, strict=True)))


if __name__ == "__main__":
    main()
