"""Preparing and segmenting a corpus beside decoding and encoding each duration anew.

`python benchmarks/corpora.py --minutes 60`: wall time, processor time and disk of an hour of
44.1 kHz mp3 in five durations, both sides on the same cores and started anew, in turn.
`--long-file 3` adds the peak memory of preparing one file of that many hours. The mp3 files hold
toy speech, or the recordings below `--audio` one after the other.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from sdd.data.audio.coding import resampled
from sdd.data.audio.decoding import decode
from sdd.data.folders import walk_audio
from sdd.data.toy.domains import DOMAINS, utterances

DURATIONS = (4, 10, 13, 30, 50)
RATE = 44_100
FILE_SECONDS = 90

FloatArray = npt.NDArray[np.float32]

PREPARE = """
import sys
from pathlib import Path
from sdd.data.audio.table import read_audio_table, read_paths, write_audio_table
from sdd.data.preparation import prepare_corpus

root, folder, workers = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
rows = prepare_corpus(read_paths(root / "protocol.csv"), root, folder, "bench", workers=workers)
write_audio_table(rows, folder / "bench.csv")
"""

SEGMENT = """
from sdd.data.corpora import read_corpus
from sdd.data.cutting import cut_segments
from sdd.data.segments import write_segments

protocol = read_corpus("csv", root, path=root / "protocol.csv")
audio = read_audio_table(folder / "bench.csv")
for seconds in map(float, sys.argv[4:]):
    table = cut_segments(protocol, audio, partition=None, label=None, max_seconds=seconds)
    write_segments(table, folder / f"bench_{seconds:g}s.parquet")
"""


def speech(audio: Path | None) -> Iterator[FloatArray]:
    """Yield recordings at 44.1 kHz, without end: those of a folder, or toy speech."""
    if audio is None:
        toys = utterances(DOMAINS["in_the_wild"], [6.0] * 40, seed=1)
        return cycle(resampled(toy.wave().astype(np.float32), 16_000, RATE) for toy in toys)
    decoded = (decode(path) for path in walk_audio(audio))
    return cycle(resampled(samples.mean(axis=1), rate, RATE) for samples, rate in decoded)


def write_sources(folder: Path, minutes: float, audio: Path | None) -> None:
    """Write mp3 files of 90 s, and their protocol beside the folder."""
    folder.mkdir()
    pieces = speech(audio)
    lines = ["ID,Label,Path"]
    for number in range(max(1, round(minutes * 60 / FILE_SECONDS))):
        waiting: list[FloatArray] = []
        while sum(map(len, waiting)) < FILE_SECONDS * RATE:
            waiting.append(next(pieces))
        samples = np.concatenate(waiting)[: FILE_SECONDS * RATE]
        soundfile.write(folder / f"{number:04d}.mp3", samples, RATE)
        lines.append(f"{number:04d},{('real', 'fake')[number % 2]},$ROOT/mp3/{number:04d}.mp3")
    (folder.parent / "protocol.csv").write_text("\n".join(lines) + "\n")


def seconds(command: list[str | Path]) -> tuple[float, float]:
    """Run a command to its end; give its wall time and its processor time."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def size(folder: Path) -> int:
    """Sum up the bytes of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def compare(work: Path, cores: int, repeats: int, uv: str) -> None:
    """Measure both sides in turn, and show each turn."""
    sources, theirs, ours = work / "mp3", work / "theirs", work / "ours"
    baseline = [uv, "run", "--script", ROOT / "benchmarks/baselines/librosa_segments.py"]
    seconds([*baseline, "--help"])  # installs it
    durations = [str(duration) for duration in DURATIONS]
    sys.stdout.write(
        f"{'turn':>4} {'librosa s':>10} {'here s':>8} {'ratio':>7} {'librosa CPU s':>14} "
        f"{'here CPU s':>11} {'ratio':>7} {'disk':>6}\n"
    )
    for turn in range(1, repeats + 1):
        for folder in (theirs, ours):
            shutil.rmtree(folder, ignore_errors=True)
        cut = [sources, theirs, "--cores", str(cores), "--durations", *durations]
        slow, slow_cpu = seconds([*baseline, *cut])
        prepare = ["-c", PREPARE + SEGMENT, str(work), str(ours), str(cores), *durations]
        fast, fast_cpu = seconds([sys.executable, *prepare])
        sys.stdout.write(
            f"{turn:4} {slow:10.1f} {fast:8.1f} {slow / fast:7.1f} {slow_cpu:14.1f} "
            f"{fast_cpu:11.1f} {slow_cpu / fast_cpu:7.1f} {size(ours) / size(theirs):6.3f}\n"
        )
    sys.stdout.write(
        f"sources {size(sources) / 2**20:.0f} MiB, segments as mp3 {size(theirs) / 2**20:.0f} MiB, "
        f"prepared FLAC and five tables {size(ours) / 2**20:.0f} MiB\n"
    )


def write_long_mp3(path: Path, hours: float, work: Path) -> None:
    """Write an mp3 of many hours: the frames of a short one, over and over."""
    source = next((work / "mp3").iterdir())
    data = source.read_bytes()
    # The first frame is LAME's note on the length of the whole, which would be wrong.
    second = data.index(data[:2], 4)
    with path.open("wb") as file:
        for _ in range(round(hours * 3600 / FILE_SECONDS)):
            file.write(data[second:])


def measure_memory(work: Path, hours: float) -> None:
    """Prepare one long file in a process of its own; show its peak memory."""
    path = work / "long.mp3"
    write_long_mp3(path, hours, work)
    # Not getrusage: its maximum begins with that of the process that started this one.
    code = (
        "import re, sys\n"
        "from pathlib import Path\n"
        "from sdd.data.audio.preparing import prepare_source\n"
        "done = prepare_source(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "peak = re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]\n"
        "print(done.samples / 16000 / 3600, int(peak) / 1024)\n"
    )
    command = [sys.executable, "-c", code, str(path), str(work / "long.flac")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    length, peak = map(float, done.stdout.split())
    sys.stdout.write(f"a file of {length:.2f} h: peak memory {peak:.0f} MiB\n")


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="of mp3")
    parser.add_argument("--audio", type=Path, help="recordings to use instead of toy speech")
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--long-file", type=float, default=0.0, help="hours; 0 leaves it out")
    parser.add_argument("--skip-comparison", action="store_true", help="only the long file")
    arguments = parser.parse_args()
    uv = shutil.which("uv") or str(ROOT / ".uv/bin/uv")
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        write_sources(work / "mp3", arguments.minutes, arguments.audio)
        if not arguments.skip_comparison:
            compare(work, arguments.cores, arguments.repeats, uv)
        if arguments.long_file:
            measure_memory(work, arguments.long_file)


if __name__ == "__main__":
    main()
