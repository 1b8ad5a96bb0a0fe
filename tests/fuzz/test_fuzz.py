"""Files changed at random: a result or an InputError that names the file, never anything else.

The same inputs in every run, and a number of them, not a time. Longer: `make fuzz MINUTES=60`.
"""

import subprocess
import sys

import pytest

from sdd.errors import InputError
from tests.fuzz.harness import Worker, fuzz
from tests.fuzz.target import Target
from tests.fuzz.targets import KINDS
from tests.fuzz.worker import make_input, outcome


@pytest.fixture
def worker():
    worker = Worker()
    yield worker
    worker.close()


# A process for each kind: starting one takes longer than hundreds of inputs.
@pytest.mark.parametrize("kind", KINDS)
def test_changed_files(worker, kind):
    for target in kind.TARGETS:
        # Number 0 is a valid file as it is: without a result of it, nothing would be tried.
        valid = fuzz(worker, target.name, "tests", range(1))
        assert valid.counts == {"result": 1}, str(valid)
        report = fuzz(worker, target.name, "tests", range(1, target.inputs + 1))
        assert report.counts["result"] > 0, str(report)
        assert not report.findings, str(report)


def test_a_worker_that_dies_costs_one_input(worker):
    worker._process.kill()
    worker._process.wait()
    report = fuzz(worker, "add2023", "tests", [0, 0])
    assert report.counts == {"finding": 1, "result": 1}
    assert "died: the process ended with status -9" in str(report)


@pytest.mark.parametrize(
    ("says", "found"),
    [
        ('begun\\n{"outcome": "result"}\\n', "result"),
        ("begun\\n", "hung: the process ended with status -9"),
        ("", "died: the process ended with status 0"),
    ],
)
def test_what_an_input_may_last_begins_with_it(monkeypatch, says, found):
    """However long the process takes to start: here an input may take no time at all."""
    code = f"import sys; sys.stdin.readline(); print('{says}', end='', flush=True)"
    wait = "; sys.stdin.readline()" * bool(says)
    start = subprocess.Popen
    monkeypatch.setattr(
        subprocess,
        "Popen",
        lambda _, **options: start([sys.executable, "-c", code + wait], **options),
    )
    worker = Worker(limit=0)
    assert worker.attempt("any", "seed", 0) == {"outcome": found}
    worker.close()


def test_other_exceptions_are_findings(tmp_path):
    def run(folder, path):
        if path.read_bytes() == b"crash":
            raise ValueError("a finding")
        raise InputError(path.read_text())

    target = Target("x", "x.csv", lambda _: [b""], run)
    path = tmp_path / "x.csv"
    for content, found in (
        ("crash", "ValueError: a finding"),
        ("x.csv is wrong", "error"),
        ("somewhere", "an InputError that does not name x.csv: somewhere"),
        ("x.csv: delete it", "an InputError that says 'delete'"),
    ):
        path.write_text(content)
        assert found in outcome(target, tmp_path, path)


def test_the_same_numbers_make_the_same_inputs():
    target = Target("x", "x.csv", lambda _: [], lambda *_: None, (b"token",))
    seeds = [bytes(range(256)), b"a,b\n1,2\n"]
    made = [make_input(target, seeds, "1", number) for number in range(50)]
    assert made == [make_input(target, seeds, "1", number) for number in range(50)]
    assert made[0] == seeds[0]
    assert len(set(made)) > 40
