"""Runs that are cut off, by real signals, end in the same bits as one that was left alone."""

import csv
import os
import random
import signal
import time

import pytest

from sdd.detector.checkpoints.conversion import save_encoder
from sdd.runtime.stopping import STOPPED
from sdd.training.state import HISTORY
from tests.conftest import GRPO, RECIPE
from tests.helpers.interrupted import SAVING, VALIDATING, running
from tests.helpers.runs import finetune_arguments

SFT = {"kind": "sft"}
STEPS = 60
KILLS = 10
ALGORITHMS = {"sft": [SFT], "grpo": [GRPO], "sft-grpo": [SFT, GRPO]}


def stage_arguments(tones, folder, start, objective, **changes):
    """Arguments of one stage; a state is saved every other step or so."""
    recipe = {**RECIPE, "max_steps": STEPS, "schedule_steps": STEPS, "validate_every": 7}
    changes = {"recipe": recipe, "save_minutes": 0.03 / 60, **changes}
    return finetune_arguments(tones, folder, start, objective, **changes)


def stages(tones, folder, start, algorithm, **changes):
    """Arguments of each stage of an algorithm; a stage starts from the one before."""
    found = []
    for number, objective in enumerate(ALGORITHMS[algorithm]):
        first = {"new_back_end": True} if number == 0 else {}
        arguments = stage_arguments(
            tones, folder / str(number), start, objective, **{**changes, **first}
        )
        found.append(arguments)
        start = arguments["files"].model
    return found


@pytest.fixture
def start(tiny_detector, tmp_path):
    """An encoder without a back end: what it is given comes from the seed too."""
    path = tmp_path / "pre.safetensors"
    save_encoder(tiny_detector, path, {})
    return path


def uninterrupted(arguments):
    """Run a stage to its end; give the mean seconds of a step."""
    with running(arguments) as run:
        run.wait_for(1)
        began = time.monotonic()
        assert run.end() == 0
        assert run.steps == list(range(1, STEPS + 1))
        return (time.monotonic() - began) / STEPS


def result(arguments):
    """The model's bytes (best step and best result among them) and the history without times."""
    with arguments["files"].history.open() as file:
        rows = list(csv.DictReader(file))
    history = [[row[name] for name in HISTORY if name != "wall_time"] for row in rows]
    assert not arguments["files"].state.exists()
    return arguments["files"].model.read_bytes(), history


def kill_in_a_save(arguments):
    """Kill a process that has written half of a state; what it leaves is no state."""
    state = arguments["files"].state / "state.pt"
    before = state.read_bytes() if state.exists() else None
    with running(arguments, hangs_in_a_save=True) as run:
        run.wait_for(SAVING)
        run.process.kill()
        assert run.end() == -signal.SIGKILL
    assert len(list(arguments["files"].state.glob(".*"))) == 1
    assert (state.read_bytes() if state.exists() else None) == before


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_killed_at_ten_random_moments_and_once_in_a_save(tones, tmp_path, start, algorithm):
    """Each kill is a SIGKILL from outside, at a random moment of a random step."""
    moments = random.Random(algorithm)
    kills, repeated = 0, 0
    whole = stages(tones, tmp_path / "whole", start, algorithm)
    cut = stages(tones, tmp_path / "cut", start, algorithm)
    for alone, arguments in zip(whole, cut, strict=True):
        step_seconds = uninterrupted(alone)
        begun = []
        for _ in range(KILLS // len(whole)):
            with running(arguments) as run:
                run.wait_for_steps(moments.randint(1, 3))
                time.sleep(moments.uniform(0, 2 * step_seconds))
                run.process.kill()
                assert run.end() == -signal.SIGKILL
                begun += run.steps
            kills += 1
            assert not arguments["files"].model.exists()
        kill_in_a_save(arguments)
        with running(arguments) as run:
            assert run.end() == 0
            begun += run.steps
        assert begun[-1] == STEPS
        repeated += len(begun) - STEPS
        assert result(arguments) == result(alone)
    assert kills == KILLS
    assert repeated > 0  # steps that no state held were taken again, to the same end


@pytest.mark.parametrize("algorithm", ["sft", "grpo"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_warning_loses_no_step(tones, tmp_path, start, algorithm, number):
    """SIGTERM and SIGUSR1: a status of its own, and each step taken once."""
    moments = random.Random(f"{algorithm} {number}")
    (alone,) = stages(tones, tmp_path / "whole", start, algorithm)
    (arguments,) = stages(tones, tmp_path / "cut", start, algorithm, save_minutes=60.0)
    step_seconds = uninterrupted(alone)
    begun = []
    for _ in range(4):
        with running(arguments) as run:
            run.wait_for_steps(moments.randint(1, 5))
            time.sleep(moments.uniform(0, 2 * step_seconds))
            os.kill(run.process.pid, number)
            assert run.end() == STOPPED
            begun += run.steps
        assert not arguments["files"].model.exists()
    with running(arguments) as run:
        assert run.end() == 0
        begun += run.steps
    assert begun == list(range(1, STEPS + 1))
    assert result(arguments) == result(alone)


def test_a_warning_in_a_validation_does_not_wait_for_its_end(tones, tmp_path, start):
    """The validation is left out, and made up for by the run that goes on."""
    (alone,) = stages(tones, tmp_path / "whole", start, "sft")
    (arguments,) = stages(tones, tmp_path / "cut", start, "sft", save_minutes=60.0)
    uninterrupted(alone)
    with running(arguments) as run:
        run.wait_for(VALIDATING)
        os.kill(run.process.pid, signal.SIGTERM)
        assert run.end() == STOPPED
        assert run.steps == list(range(1, 8))
    with running(arguments) as run:
        run.wait_for(8)
        assert run.told[0] == VALIDATING
        assert run.end() == 0
    assert result(arguments) == result(alone)
