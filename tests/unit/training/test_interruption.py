"""Runs that are cut off, by real signals, end in the same bits as one that was left alone."""

import csv
import dataclasses
import random
import signal

import pytest

from sdd.detector.checkpoints.conversion import save_encoder
from sdd.runtime.stopping import SIGNALS, STOPPED
from sdd.training.state import HISTORY
from tests.conftest import GRPO, RECIPE
from tests.helpers.interrupted import SAVE, VALIDATION, Moment, running
from tests.helpers.runs import finetune_arguments

SFT = {"kind": "sft"}
STEPS = 45
KILLS = WARNINGS = 10
CALLS_OF_A_STEP = 1500  # some 700 to 1,400; what is left of them falls into the next step
ALGORITHMS = {"sft": [SFT], "grpo": [GRPO], "sft-grpo": [SFT, GRPO]}


def stage_arguments(tones, folder, start, objective, **changes):
    """Arguments of one stage; a state is saved after every step."""
    recipe = {**RECIPE, "max_steps": STEPS, "schedule_steps": STEPS, "validate_every": 7}
    changes = {"recipe": recipe, "save_minutes": 0.0, **changes}
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


def train_to_the_end(arguments):
    """Run a stage, or what is left of it, to its end; give the steps that it took."""
    with running(arguments) as run:
        assert run.end() == 0
        return run.steps


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
    with running(arguments, half_of_a_save=True) as run:
        assert run.end() == -signal.SIGKILL
    assert len(list(arguments["files"].state.glob(".*"))) == 1
    assert (state.read_bytes() if state.exists() else None) == before


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_killed_at_ten_random_moments_and_once_in_a_save(tones, tmp_path, start, algorithm):
    """Each kill is a SIGKILL at a random call of a random step."""
    moments = random.Random(algorithm)
    kills, repeated = 0, 0
    whole = stages(tones, tmp_path / "whole", start, algorithm, save_minutes=60.0)
    cut = stages(tones, tmp_path / "cut", start, algorithm)
    for alone, arguments in zip(whole, cut, strict=True):
        assert train_to_the_end(alone) == list(range(1, STEPS + 1))
        begun = []
        for number in range(KILLS // len(whole)):
            step = 1 + number * STEPS // (1 + KILLS // len(whole)) + moments.randint(0, 3)
            moment = Moment(signal.SIGKILL, step, moments.randint(1, CALLS_OF_A_STEP))
            # By turns after each step and after validations only: then more than one is repeated.
            machine = dataclasses.replace(arguments["machine"], save_minutes=60.0 * (number % 2))
            with running(arguments | {"machine": machine}, moment) as run:
                assert run.end() == -signal.SIGKILL
                begun += run.steps
            kills += 1
            assert not arguments["files"].model.exists()
        kill_in_a_save(arguments)
        begun += train_to_the_end(arguments)
        assert begun[-1] == STEPS
        repeated += len(begun) - STEPS
        assert result(arguments) == result(alone)
    assert kills == KILLS
    assert repeated > KILLS  # steps that no state held were taken again, to the same end


def warnings(algorithm):
    """Moments for each stage: of random steps, by turns each signal; in a validation; in a save."""
    moments = random.Random(f"warned {algorithm}")
    count = WARNINGS // len(ALGORITHMS[algorithm])
    found = []
    for _ in ALGORITHMS[algorithm]:
        # Early enough for a validation and a save after the last one.
        steps = (1 + turn * (STEPS - 15) // count + moments.randint(0, 2) for turn in range(count))
        found.append(
            [
                Moment(SIGNALS[turn % len(SIGNALS)], step, moments.randint(1, CALLS_OF_A_STEP))
                for turn, step in enumerate(steps)
            ]
        )
    found[-1].append(Moment(signal.SIGTERM, VALIDATION, moments.randint(1, 300)))
    found[-1].append(Moment(signal.SIGINT, SAVE, moments.randint(1, 300)))
    return found


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_warning_to_all_processes_loses_no_step(tones, tmp_path, start, algorithm):
    """A status of its own, each step taken once, and no process left, though workers get it too."""
    whole = stages(tones, tmp_path / "whole", start, algorithm, save_minutes=60.0)
    cut = stages(tones, tmp_path / "cut", start, algorithm, save_minutes=60.0, workers=2)
    for alone, arguments, moments in zip(whole, cut, warnings(algorithm), strict=True):
        train_to_the_end(alone)
        begun = []
        for number, moment in enumerate(moments):
            with running(arguments, moment, forked_server=number > 0) as run:
                assert run.end() == STOPPED
                begun += run.steps
            assert not arguments["files"].model.exists()
        # The batches are the same without workers.
        alone_again = dataclasses.replace(arguments["machine"], workers=0)
        begun += train_to_the_end(arguments | {"machine": alone_again})
        assert begun == list(range(1, STEPS + 1))
        assert result(arguments) == result(alone)


def test_a_warning_in_a_validation_does_not_wait_for_its_end(tones, tmp_path, start):
    """The validation is left out, and made up for by the run that goes on."""
    (alone,) = stages(tones, tmp_path / "whole", start, "sft")
    (arguments,) = stages(tones, tmp_path / "cut", start, "sft", save_minutes=60.0)
    train_to_the_end(alone)
    with running(arguments, Moment(signal.SIGTERM, VALIDATION, 1)) as run:
        assert run.end() == STOPPED
        assert run.steps == list(range(1, 8))
    with running(arguments) as run:
        run.wait_for(8)
        assert run.told[0] == VALIDATION
        assert run.end() == 0
    assert result(arguments) == result(alone)
