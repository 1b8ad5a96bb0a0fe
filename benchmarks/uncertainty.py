"""Time and memory of the intervals of a whole Table 1, at the paper's size or a share of it.

`python benchmarks/uncertainty.py --share 0.1`: score tables of random scores for every cell, and
test sets as large as the paper's are or are assumed to be (`resources.audio_hours` in the config).
Seconds are processor seconds; memory is the peak of the process.
"""

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from sdd.analysis.uncertainty import measure_rows
from sdd.data.segments import read_segments, write_segments
from sdd.scoring.score_tables import write_score_columns

# Test set: corpus, segments, sources, speakers (0: not known).
SETS = {
    "dfe24_4s": ("dfe24", 45_000, 1_000, 0),
    "dfe24_10s": ("dfe24", 18_000, 1_000, 0),
    "dfe24_13s": ("dfe24", 13_800, 1_000, 0),
    "dfe24_30s": ("dfe24", 6_000, 1_000, 0),
    "dfe24_50s": ("dfe24", 3_600, 1_000, 0),
    "add23": ("add23", 118_000, 118_000, 0),
    "for": ("for", 4_600, 4_600, 0),
    "dv": ("dv", 6_593, 64, 8),
    "itw": ("itw", 31_779, 31_779, 54),
}
FINE_TUNED_ROWS, OTHER_ROWS, ROUNDS = 17, 3, 3


def write_set(path: Path, segments: int, sources: int, speakers: int) -> None:
    """Write a segment table; half of its sources are real, and of each speaker."""
    number = np.arange(segments) % sources
    names = [f"source-{one}" for one in number]
    table = pd.DataFrame(
        {
            "segment_id": [f"segment-{one}" for one in range(segments)],
            "source": names,
            "attack": "",
            "speaker": [f"speaker-{one // 2 % speakers}" if speakers else "-" for one in number],
            "path": names,
            "file": [f"{name}.flac" for name in names],
            "start": 0,
            "end": 64_000,
            "label": np.where(number % 2 == 0, "real", "fake"),
        }
    )
    write_segments(table, path)


def write_cell(folder: Path, tables: list[Path], generator: np.random.Generator) -> None:
    """Write score tables of a detector whose EER is some 16 %."""
    for path in tables:
        segments = read_segments(path)
        real = np.array(segments.label) == "real"
        logits = generator.standard_normal((len(segments), 2)).astype(np.float32)
        logits[:, 1] += np.where(real, 1.0, -1.0)
        target = folder / "scores" / path.name
        write_score_columns(target, segments.segment_id, segments.label, logits)


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=0.1, help="of the segments and sources")
    parser.add_argument("--rows", type=int, default=FINE_TUNED_ROWS + OTHER_ROWS)
    parser.add_argument("--replicates", type=int, default=2_000)
    arguments = parser.parse_args()
    generator = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        tables, corpora = [], {}
        for test_set, (corpus, segments, sources, speakers) in SETS.items():
            counts = (max(20, round(arguments.share * count)) for count in (segments, sources))
            tables.append(work / f"{test_set}.parquet")
            write_set(tables[-1], *counts, speakers)
            corpora[test_set] = corpus
        rows = {}
        for row in range(arguments.rows):
            rounds = ROUNDS if row < FINE_TUNED_ROWS else 1
            rows["model", "init", str(row)] = [work / f"{row}-{one}" for one in range(rounds)]
        for folder in (folder for cells in rows.values() for folder in cells):
            write_cell(folder, tables, generator)
        score_tables = {
            row: [{path.stem: folder / "scores" / path.name for path in tables} for folder in cells]
            for row, cells in rows.items()
        }
        trials = sum(len(read_segments(path)) for path in tables)
        started = time.process_time()
        measure_rows(
            score_tables,
            tables,
            corpora,
            clusters=dict.fromkeys(corpora.values(), "auto"),
            score="logit",
            trained=dict.fromkeys(rows, True),
            replicates=arguments.replicates,
        )
        seconds = time.process_time() - started
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak = int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024
    cells = sum(map(len, rows.values()))
    sys.stdout.write(
        f"{cells} cells x {trials} trials, {arguments.replicates} replicates: "
        f"{seconds:.3g} s, peak memory {peak:.0f} MiB\n"
    )


if __name__ == "__main__":
    main()
