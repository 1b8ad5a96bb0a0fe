"""Workers that die cost the item they were at."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from sdd.runtime.expendable_workers import Worker, WorkerDiedError, run_expendable
from tests.helpers.worker_tasks import (
    die_while_others_work,
    process_id,
    square,
    square_unless_13,
)


@pytest.mark.parametrize("workers", [1, 3])
def test_every_item_has_its_outcome(workers: int) -> None:
    results = dict(run_expendable(square, range(50), workers=workers, imports=()))
    assert {item: outcome.value() for item, outcome in results.items()} == {
        number: number * number for number in range(50)
    }
    assert list(run_expendable(square, [], workers=workers, imports=())) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_death_costs_its_item_alone(workers: int) -> None:
    results = dict(run_expendable(square_unless_13, range(25), workers=workers, imports=()))
    assert set(results) == set(range(25))
    reasons = {}
    for number, outcome in results.items():
        try:
            assert outcome.value() == number * number
        except (WorkerDiedError, ValueError) as error:
            reasons[number] = str(error)
    assert reasons == {
        13: "the process that read it died of SIGSEGV",
        14: "the process that read it was killed, as happens where memory is short",
        15: "the process that read it ended with status 3",
        16: "it needs more memory than there is",
        17: "seventeen",
    }


def test_who_died_beside_others_is_tried_again_alone(tmp_path: Path) -> None:
    (result,) = run_expendable(die_while_others_work, [tmp_path], workers=2, imports=())
    assert result[1].value() == "done"
    assert len(list(tmp_path.iterdir())) == 3  # two processes, and the mark of the first


def test_one_worker_keeps_its_process_until_it_dies() -> None:
    with closing(Worker(process_id, imports=())) as worker:
        first = worker.call(0).value()
        assert worker.call(1).value() == first
        os.kill(first, signal.SIGKILL)
        assert worker.call(2).value() != first
    with closing(Worker(square_unless_13, imports=())) as worker:
        with pytest.raises(WorkerDiedError, match="SIGSEGV"):
            worker.call(13).value()
        assert worker.call(4).value() == 16


def test_workers_end_with_who_gives_up() -> None:
    results = run_expendable(process_id, range(100), workers=2, imports=())
    _, outcome = next(results)
    results.close()
    with pytest.raises(ProcessLookupError):
        os.kill(outcome.value(), 0)


MAIN = """
import sys
from pathlib import Path
from sdd.runtime.expendable_workers import run_expendable
from tests.helpers.worker_tasks import wait_long

list(run_expendable(wait_long, [Path(sys.argv[1])], workers=1, imports=()))
"""


def test_workers_end_with_a_main_process_that_is_killed(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    place = tmp_path / "worker"
    with subprocess.Popen([sys.executable, "-c", MAIN, str(place)], env=environment) as main:
        while not place.is_file() or not place.read_text():
            assert main.poll() is None
            time.sleep(0.01)
        main.kill()
    worker = int(place.read_text())
    while runs(worker):  # one that stays keeps the test from ending
        time.sleep(0.01)


def runs(process: int) -> bool:
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
