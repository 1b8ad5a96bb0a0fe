"""The benchmarks run at their smallest, and their tables hold what they say."""

import re
import subprocess
import sys

from tests.helpers.paths import BENCHMARKS


def lines_of(name, *arguments):
    command = [sys.executable, str(BENCHMARKS / name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_fine_tuning_steps():
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


def test_rawboost_speed():
    lines = lines_of("rawboost.py", "--seconds", "0.2", "--repeats", "2")
    rows = [[float(value) for value in line.split()] for line in lines[1:]]
    assert [row[0] for row in rows] == [1, 2, 3, 4, 5]
    for _, direct, here, ratio in rows:
        assert abs(here / direct - ratio) <= 0.1 * ratio + 0.1


def test_reading_ahead():
    lines = lines_of("reading_ahead.py", "--turns", "1", "--epochs", "2", "--batches", "2")
    assert [line.split()[0] for line in lines[1:]] == ["fork", "server"]
    assert all(float(value) > 0 for line in lines[1:] for value in line.split()[1:])


def test_coverage():
    lines = lines_of("coverage.py", "--simulations", "5")
    found = [re.fullmatch(r"(.+?) +(\d+) +([\d.]+)%  .+", line).groups() for line in lines[1:]]
    assert len(found) == 6 + 6 + 4 + 6 + 6 + 4 + 6 + 3
    for name, times, share in found:
        assert int(times) in (1, 5, 20), name
        hits = float(share) / 100 * int(times)
        assert abs(hits - round(hits)) < 0.01, name


def test_dry_run():
    lines = lines_of("dry_run.py", "--rounds", "1", "--repeats", "1")
    rounds, jobs, seconds, ratio, _ = lines[1].split()
    assert (rounds, ratio) == ("1", "1.00")
    assert int(jobs) > 150
    assert float(seconds) > 0


def test_scoring_speed():
    options = ["--architecture", "tiny", "--audio-seconds", "3", "--turns", "2"]
    lines = lines_of("scoring.py", *options, "--lengths", "0.1-0.3", "0.3-1")
    rows = [line.split() for line in lines[1:]]
    assert [row[:2] for row in rows] == [["tiny", "0.1-0.3"], ["tiny", "0.3-1"]]
    for row in rows:
        assert float(row[3]) > 0
        assert float(row[7]) > 0
        assert float(row[-1]) < 1e-5


def test_speed_of_metrics():
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


def test_preparing_a_long_file():
    options = ["--minutes", "1.5", "--long-file", "0.1", "--skip-comparison"]
    (line,) = lines_of("corpora.py", *options)
    hours, peak = re.fullmatch(r"a file of (.+) h: peak memory (.+) MiB", line).groups()
    assert float(hours) == 0.1
    assert 50 < float(peak) < 200


def test_intervals_of_a_table():
    options = ["--share", "0.002", "--rows", "2", "--replicates", "20"]
    (line,) = lines_of("uncertainty.py", *options)
    cells, trials, seconds, peak = re.fullmatch(
        r"(\d+) cells x (\d+) trials, 20 replicates: (.+) s, peak memory (.+) MiB", line
    ).groups()
    # 90 + 36 + 28 + 20 (the least) + 20, 236, 20, 20 and 64 segments.
    assert (int(cells), int(trials)) == (6, 534)
    assert float(seconds) > 0
    assert 50 < float(peak) < 500
