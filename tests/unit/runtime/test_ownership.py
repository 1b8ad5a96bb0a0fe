"""Two processes on one cell: the newer takes over, no step is taken twice, no file is shared."""

import dataclasses
import shutil
import subprocess
import sys
import time

import pytest

from sdd.detector.checkpoints.conversion import save_encoder
from sdd.runtime.ownership import sole_owner
from sdd.runtime.stopping import STOPPED
from tests.conftest import GRPO, RECIPE
from tests.helpers.interrupted import running
from tests.helpers.runs import finetune_arguments

STEPS = 24
OWNER = """
import sys, time
from pathlib import Path
from sdd.runtime.ownership import sole_owner
with sole_owner(Path(sys.argv[1])) as ownership:
    print("owns", flush=True)
    while not ownership.wanted or sys.argv[2] == "stays":
        time.sleep(0.01)
"""


def start_owner(state, what="leaves"):
    """A process that wants a state, and has it until it is wanted by another, or for ever."""
    return subprocess.Popen(
        [sys.executable, "-c", OWNER, str(state), what], stdout=subprocess.PIPE, text=True
    )


def other_owner(state, what="leaves"):
    process = start_owner(state, what)
    assert process.stdout.readline() == "owns\n"
    return process


def wait_for(path, runs):
    """Wait for a file of a process, which must not end before."""
    while not path.exists():
        assert runs()
        time.sleep(0.01)


@pytest.fixture
def arguments(tones, tmp_path, tiny_detector):
    start = tmp_path / "pre.safetensors"
    save_encoder(tiny_detector, start, {})
    recipe = {**RECIPE, "max_steps": STEPS, "schedule_steps": STEPS, "validate_every": 7}

    def in_folder(name, **changes):
        return finetune_arguments(
            tones, tmp_path / name, start, GRPO, new_back_end=True, recipe={**recipe, **changes}
        )

    return in_folder


def test_a_state_that_nobody_has_is_owned_at_once(tmp_path):
    state = tmp_path / "state" / "model"
    with sole_owner(state) as ownership:
        assert (tmp_path / "state" / "model.lock").read_text().startswith("process ")
        assert not ownership.taken_over
        assert not ownership.wanted
    assert list((tmp_path / "state").iterdir()) == []


def test_the_owner_is_asked_to_leave_and_named(tmp_path, caplog):
    state = tmp_path / "state" / "model"
    other = other_owner(state)
    with sole_owner(state, poll_seconds=0.01) as ownership:
        assert ownership.taken_over
        assert not ownership.wanted
        assert other.wait() == 0
    assert f"process {other.pid} on " in caplog.text
    assert list((tmp_path / "state").iterdir()) == []


def test_ownership_ends_with_its_process(tmp_path):
    state = tmp_path / "state" / "model"
    other = other_owner(state, "stays")
    other.kill()
    other.wait()
    assert (tmp_path / "state" / "model.lock").exists()
    with sole_owner(state) as ownership:
        assert not ownership.taken_over


def test_nobody_owns_what_another_has(tmp_path):
    state = tmp_path / "state" / "model"
    request = tmp_path / "state" / "model.wanted"
    first = other_owner(state, "stays")
    second = start_owner(state)
    for _ in range(2):  # asks again, once its request is taken away
        wait_for(request, lambda: second.poll() is None)
        request.unlink()
    assert second.poll() is None
    first.kill()
    first.wait()
    assert second.stdout.readline() == "owns\n"
    with sole_owner(state, poll_seconds=0.01):
        assert second.wait() == 0


def test_a_newer_run_takes_over_and_no_step_is_taken_twice(arguments):
    alone, shared = arguments("alone"), arguments("shared")
    with running(alone) as run:
        assert run.end() == 0
    wanted = shared["files"].state.with_name("state.wanted")
    with running(shared, pause=(9, wanted)) as older:
        older.wait_for(9)
        with running(shared) as newer:
            assert older.end(successor=newer) == STOPPED
            assert newer.end() == 0
            assert older.steps + newer.steps == list(range(1, STEPS + 1))
    assert shared["files"].model.read_bytes() == alone["files"].model.read_bytes()
    assert list(shared["files"].state.parent.glob("state*")) == []


@pytest.mark.parametrize(("seed", "steps"), [(3, []), (4, list(range(1, STEPS + 1)))])
def test_what_the_older_run_finished_meanwhile_is_not_done_again(arguments, seed, steps):
    """Unless it was made with other settings."""
    finished, waiting = arguments("finished"), arguments("waiting")
    finished["stage"] = dataclasses.replace(finished["stage"], seed=seed)
    made, files = finished["files"], waiting["files"]
    with running(finished) as run:
        assert run.end() == 0
    other = other_owner(files.state, "stays")
    with running(waiting) as run:
        wanted = files.state.with_name("state.wanted")
        wait_for(wanted, run.process.is_alive)
        shutil.copy(made.model, files.model)
        shutil.copy(made.history, files.history)
        other.kill()
        other.wait()
        assert run.end() == 0
        assert run.steps == steps
    same = files.model.read_bytes() == made.model.read_bytes()
    assert same == (seed == waiting["stage"].seed)
