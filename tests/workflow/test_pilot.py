"""A pilot on the CPU beside a finished run, and the plan that goes by it."""

import csv
import re

import pytest

PILOT = "results/mini/pilot"


def contents(run):
    """What lies below the experiment's folder: names, bytes and time stamps, less logs."""
    return {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in (run.folder / "results/mini").rglob("*")
        if path.is_file() and "logs" not in path.parts and "pilot" not in str(path)
    }


def test_a_pilot_touches_nothing_and_the_plan_goes_by_it(run):
    before = contents(run)
    assert run.plan("pilot") == {"pilot_training": 2, "pilot_scoring": 1, "pilot": 1}
    printed = run.run("--", "pilot")
    assert contents(run) == before
    with (run.folder / f"{PILOT}.csv").open() as file:
        rows = {(row["work"], row["name"]): row for row in csv.DictReader(file)}
    assert list(rows) == [
        ("training", "sft"),
        ("training", "grpo"),
        ("scoring", "dfe24_4s"),
        ("scoring", "dfe24_10s"),
        ("scoring", "add23"),
    ]
    for row in rows.values():
        assert row["device"] == "cpu"
        assert float(row["speed"]) > 0
        assert 0.1 < float(row["peak_gb"]) < 10
        assert row["peak_of"] == "main memory, resident"
    assert rows["training", "grpo"]["passes"] == "5"
    assert rows["training", "sft"]["steps"] == "10"
    assert int(rows["scoring", "add23"]["n_real"]) >= 10
    assert rows["scoring", "add23"]["verdict"] == "not in the paper"
    shown = printed[printed.index("Pilot of mini") : printed.index("before you train.")]
    assert max(map(len, shown.splitlines())) <= 80
    assert not [path for path in (run.folder / PILOT).rglob("*") if "state" in path.parts]
    # Nothing of it makes anything again, and it is itself not run again.
    assert run.plan("all") == {}
    assert run.plan("pilot") == {"pilot": 1}

    planned = run.run("--", "plan")
    assert " CPU h " in planned
    marks = dict(
        re.findall(r"^((?:pre|post|train|score)\S* [\w -]*?) +\d+ .* ([msa])$", planned, re.M)
    )
    assert marks == {
        "pre-train tiny_s": "s",
        "post-train tiny_s": "s",
        "train tiny_s post sft": "m",
        "train tiny_s post sft-grpo": "m",
        "score tiny_s toy": "s",  # with the validation set, which is not piloted
    }
    assert "Speeds of the pilot on:" in planned

    # Speeds are those of the file: a thousand times slower takes a thousand times as long.
    hours = hours_of(planned, "train tiny_s post sft")
    path = run.folder / f"{PILOT}.csv"
    row = rows["training", "sft"]
    slower = {**row, "seconds": str(1000 * float(row["seconds"]))}
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(slower)
    again = run.run("--", "plan")
    assert hours_of(again, "train tiny_s post sft") == pytest.approx(1000 * hours, rel=0.5)
    path.write_text(path.read_text().replace("training,", "training,,"))
    output = run.run("--", "plan", ok=False)
    assert "pilot.csv: row 1 is not what the pilot writes" in output
    assert "Traceback" not in output


def hours_of(planned, name):
    """The hours of each job of a line."""
    return float(re.search(rf"^{name} +\d+ +\d+ +([\d.]+)", planned, re.M)[1])
