"""The benchmarks run at their smallest, and their tables hold what they say."""

import json
import os
import re
import runpy
import subprocess
import sys
from importlib import metadata

import numpy as np
import pytest
import soundfile
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.helpers.audio_files import chirp
from tests.helpers.paths import BENCHMARKS
from tests.helpers.processes import run_to_the_end, start_server


def lines_of_a_new_python(name, *arguments):
    """Run a benchmark as a user does: what it says of memory is of itself alone."""
    command = [sys.executable, str(BENCHMARKS / name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def run_program(name, arguments, output):
    with output.open("w") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
    sys.argv = [str(BENCHMARKS / name), *arguments]
    sys.path.insert(0, str(BENCHMARKS))
    runpy.run_path(sys.argv[0], run_name="__main__")


@pytest.fixture
def lines_of(tmp_path):
    """Run a benchmark in a process that has imported torch already; give its lines."""
    start_server()

    def run(name, *arguments):
        assert run_to_the_end(run_program, name, arguments, tmp_path / "printed") == 0
        return (tmp_path / "printed").read_text().splitlines()

    return run


def test_fine_tuning_steps(lines_of):
    lines = lines_of("finetune.py", "--batch", "2", "--seconds", "0.5", "--steps", "2")
    assert lines[0].startswith("tiny, c")
    rows = {line[:15].strip(): line[15:].split() for line in lines[2:7]}
    assert list(rows) == ["sft", "grpo_s, beta 0", "grpo_s", "grpo, beta 0", "grpo"]
    assert float(rows["sft"][2]) == 1
    shares = {name: [float(value.rstrip("%")) for value in row[-7:]] for name, row in rows.items()}
    # batch, policy, backward, reference, old, objective, optimiser
    for name, (batch, policy, backward, reference, old, *rest) in shares.items():
        assert min(batch, policy, backward, *rest) > 0
        assert (reference > 0) == (name in ("grpo_s", "grpo")), name
        assert (old > 0) == (name in ("grpo, beta 0", "grpo")), name


def test_cost_of_calibrations(lines_of):
    lines = lines_of("calibration.py", "--fitted", "50", "--tried", "500", "--fits", "2")
    rows = [[float(value) for value in line.split()] for line in lines[1:]]
    assert [row[0] for row in rows] == [40.13, 30.85, 15.87, 2.28, 0.13]
    for _, ideal, fitted, mean, worst in rows:
        assert 0 < ideal < 1
        assert fitted == 50
        assert 0.9 < mean <= worst


def test_rawboost_speed(lines_of):
    lines = lines_of("rawboost.py", "--seconds", "0.2", "--repeats", "2")
    rows = [[float(value) for value in line.split()] for line in lines[1:]]
    assert [row[0] for row in rows] == [1, 2, 3, 4, 5]
    for _, direct, here, ratio in rows:
        assert abs(here / direct - ratio) <= 0.1 * ratio + 0.1


def test_conditions(lines_of, tmp_path):
    soundfile.write(tmp_path / "a.flac", chirp(1.2, 16_000), 16_000)
    lines = lines_of("conditions.py", "--audio", str(tmp_path), "--recordings", "1")
    ends = [line.split() for line in lines[1 : lines.index("")]]
    codecs = [[float(number) for number in end[-2:]] for end in ends if "no" not in end]
    lacking = [end[0] for end in ends if "no" in end]
    assert len(codecs) == 17 - len(lacking)
    assert set(lacking) <= {"amr"}  # which not every build of PyAV encodes
    assert all(speed > 0 for _, speed in codecs)
    # Of G.711, whose SNR is that of its steps: 38 dB of a sine, whatever its level.
    assert [30 < ratio < 42 for ratio, _ in codecs[:2]] == [True, True]
    again = [line for line in lines if "kbit/s  " in line and line[0].isdigit()]
    assert len(again) == 4


def test_reading_ahead(lines_of):
    options = ["--turns", "1", "--seconds", "1", "--epochs", "2", "--batches", "2"]
    lines = lines_of("reading_ahead.py", *options)
    assert [line.split()[0] for line in lines[1:]] == ["fork", "server"]
    assert all(float(value) > 0 for line in lines[1:] for value in line.split()[1:])


def test_coverage(lines_of):
    lines = lines_of("coverage.py", "--simulations", "5")
    found = [re.fullmatch(r"(.+?) +(\d+) +([\d.]+)%  .+", line).groups() for line in lines[1:]]
    assert len(found) == 6 + 6 + 4 + 6 + 6 + 12 + 4 + 6 + 3
    for name, times, share in found:
        assert int(times) in (1, 5, 20), name
        hits = float(share) / 100 * int(times)
        assert abs(hits - round(hits)) < 0.01, name


def test_dry_run(lines_of):
    lines = lines_of("dry_run.py", "--rounds", "1", "--repeats", "1")
    rounds, jobs, seconds, ratio, _ = lines[1].split()
    assert (rounds, ratio) == ("1", "1.00")
    assert int(jobs) > 150
    assert float(seconds) > 0


def test_scoring_speed(lines_of):
    options = ["--architecture", "tiny", "--audio-seconds", "3", "--turns", "2"]
    lines = lines_of("scoring.py", *options, "--lengths", "0.1-0.3", "0.3-1")
    rows = [line.split() for line in lines[1:]]
    assert [row[:2] for row in rows] == [["tiny", "0.1-0.3"], ["tiny", "0.3-1"]]
    for row in rows:
        assert float(row[3]) > 0
        assert float(row[7]) > 0
        assert float(row[-1]) < 1e-5


def test_speed_of_metrics(lines_of):
    options = ["--scores", "2000", "--turns", "1", "--points", "60", "--reference", "40"]
    options += ["--dimensions", "5", "--replicates", "3", "--simulations", "1"]
    lines = lines_of("metrics.py", *options)
    assert lines[0].startswith("EER of 2000 scores")
    assert [line.split()[0] for line in lines[1:3]] == ["minDCF", "Cllr_min"]
    for line in lines[1:3]:
        assert 0 < float(line.split()[-1]) < 1
    assert [line.split()[0] for line in lines[4:7]] == ["scipy:", "POT:", "interval"]
    assert len(lines[7:]) == 4
    for line in lines[4:6]:
        assert float(line.split()[-1]) < 1e-9


def test_preparing_a_long_file(tmp_path):
    soundfile.write(tmp_path / "a.wav", chirp(6, 16_000), 16_000)
    options = ["--minutes", "1.5", "--long-file", "0.05", "--skip-comparison"]
    options += ["--audio", str(tmp_path)]
    (line,) = lines_of_a_new_python("corpora.py", *options)
    hours, peak = re.fullmatch(r"a file of (.+) h: peak memory (.+) MiB", line).groups()
    assert float(hours) == 0.05
    assert 50 < float(peak) < 200


def test_intervals_of_a_table():
    options = ["--share", "0.002", "--rows", "2", "--replicates", "20"]
    (line,) = lines_of_a_new_python("uncertainty.py", *options)
    cells, trials, seconds, peak = re.fullmatch(
        r"(\d+) cells x (\d+) trials, 20 replicates: (.+) s, peak memory (.+) MiB", line
    ).groups()
    # 90 + 36 + 28 + 20 (the least) + 20, 236, 20, 20 and 64 segments.
    assert (int(cells), int(trials)) == (6, 534)
    assert float(seconds) > 0
    assert 50 < float(peak) < 500


def test_memory_of_steps(lines_of):
    options = ["--architecture", "w2v_small", "--objectives", "sft", "--precision", "fp32"]
    lines = lines_of("memory.py", *options, "--batch", "1", "--seconds", "1")
    rows = [line.split() for line in lines[2:4]]
    assert [row[:4] for row in rows] == [
        ["w2v_small", "sft", "fp32", answer] for answer in ("no", "yes")
    ]
    for row in rows:
        # Weights, gradients and two moments of 94.4 million parameters, at least.
        assert 1.51 <= float(row[4]) < 2
        assert float(row[6]) == pytest.approx(float(row[5]) / float(row[4]), abs=2e-3)
        step, computing, moving = float(row[7]), float(row[9]), float(row[11])
        assert step == pytest.approx(computing + moving, abs=2e-3)
    assert re.fullmatch(r"the estimate is off by .* at most", lines[4])


def test_scoring_precision_goes_on_where_it_was(lines_of, tmp_path):
    """A detector of few steps, few trials; what is scored is shown, and not scored again."""
    options = ["--detectors", "tiny", "--folder", str(tmp_path), "--trials", "40", "--steps", "2"]
    lines = lines_of("scoring_precision.py", *options)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:5]]
    assert [row[:3] for row in rows] == [["tiny", "40", kind] for kind in ("fp32", "tf32", "bf16")]
    assert float(rows[0][10]) == 0 < float(rows[1][10]) < float(rows[2][10]) < 0.1
    parts = sorted(path.name for path in (tmp_path / "tiny/logits").iterdir())
    assert parts == [f"000000-{kind}.f32" for kind in ("bf16", "fp32", "tf32")]
    # Of other scores in one part other flips are shown, so it is read and not made again.
    scores = np.fromfile(tmp_path / "tiny/logits" / parts[2], dtype=np.float32)
    (-scores).tofile(tmp_path / "tiny/logits" / parts[2])
    again = lines_of("scoring_precision.py", *options)
    assert [again[2], again[4]] == [lines[2], lines[4]]
    assert int(again[3].split("|")[5]) > 10
    assert lines_of("scoring_precision.py", *options, "--show") == again


PARTS = ["machine", "checks", "matrix peak", "steps", "scoring"]


NEEDED = ("torch", "numpy", "pyyaml", "safetensors", "tqdm")
"""Distributions that `benchmarks/gpu.py` says are all it needs."""


def modules_beside(needed):
    """List modules of this environment that neither some distributions nor what they need have."""
    wanted, found = list(needed), {"sdd-grpo"}
    while wanted:
        name = canonicalize_name(wanted.pop())
        if name in found:
            continue
        found.add(name)
        try:
            requirements = map(Requirement, metadata.requires(name) or [])
        except metadata.PackageNotFoundError:  # of another platform
            continue
        wanted += [one.name for one in requirements if "extra" not in str(one.marker)]
    return [
        module
        for module, owners in metadata.packages_distributions().items()
        if not found & set(map(canonicalize_name, owners))
    ]


def test_what_a_gpu_is_asked_runs_without_one(lines_of, tmp_path):
    """In the order of worth, each result as a line; then put into a document, and put again.

    With nothing but what it says it needs: a borrowed machine may have no package index.
    """
    lacking = modules_beside(NEEDED)
    assert {"soundfile", "av", "snakemake", "pyarrow", "pandas", "scipy", "pytest"} <= set(lacking)
    output, document = tmp_path / "bench-gpu.jsonl", tmp_path / "benchmarks.md"
    code = (
        "import runpy, sys\n"
        f"for name in {lacking}: sys.modules[name] = None\n"
        f"sys.argv = ['gpu.py', '--output', {str(output)!r}]\n"
        f"runpy.run_path({str(BENCHMARKS / 'gpu.py')!r}, run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    found = [json.loads(line) for line in output.read_text().splitlines()]
    assert found == printed
    assert list(dict.fromkeys(line["part"] for line in found if line["part"] != "time")) == PARTS
    checks = [line for line in found if line["part"] == "checks"]
    assert sum(line["holds"] for line in checks) == len(checks) == 7
    steps = [line for line in found if line["part"] == "steps"]
    ways = [(line["objective"], line["way"]) for line in steps]
    assert ways == [(kind, way) for kind in ("grpo", "sft", "grpo_s") for way in ("ours", "plain")]
    assert all(line["seconds"] > 0 and line["share_of_peak"] > 0 for line in steps)
    scoring = [line for line in found if line["part"] == "scoring"]
    assert [line["precision"] for line in scoring] == ["fp32", "tf32", "bf16"]
    document.write_text(
        "before\n<!-- bench-gpu: begin -->\nof before\n<!-- bench-gpu: end -->\nafter\n"
    )
    for _ in range(2):
        lines_of("gpu.py", "--output", str(output), "--into", str(document))
    text = document.read_text()
    assert text.startswith("before\n<!-- bench-gpu: begin -->")
    assert text.endswith("<!-- bench-gpu: end -->\nafter\n")
    assert text.count("**Steps**") == 1
    assert "of before" not in text


def test_what_there_is_no_time_for_is_left_out_and_said(lines_of, tmp_path):
    output = tmp_path / "bench-gpu.jsonl"
    lines_of("gpu.py", "--output", str(output), "--parts", "steps", "scoring", "--limit", "0")
    found = [json.loads(line) for line in output.read_text().splitlines()]
    left_out = [line for line in found if line["part"] in ("steps", "scoring")]
    assert len(left_out) == 6 + 3
    assert {line["left_out"] for line in left_out} == {"the time is up"}
