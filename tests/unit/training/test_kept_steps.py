"""Weights of named steps: kept beside the best, through interruptions, to the byte."""

import csv
import dataclasses
import json
import signal

import pytest
import torch

from sdd.detector import load_detector, read_metadata, save_detector
from sdd.errors import InputError
from sdd.runtime.stopping import StopRequest
from sdd.training.finetuning import finetune
from tests.conftest import GRPO, RECIPE, TINY
from tests.helpers.interrupted import Moment, running
from tests.helpers.runs import StopAfter, finetune_arguments, make_trainer, same

STEPS = (3, 7, 12)
SFT = {"kind": "sft"}


@pytest.fixture
def start(tiny_detector, tmp_path):
    path = tmp_path / "start.safetensors"
    save_detector(tiny_detector, path, {"licence": "CC0"})
    return path


def arguments(tones, folder, start, steps=STEPS, **changes):
    kept = [folder / f"step{step}/model.safetensors" for step in steps]
    return finetune_arguments(tones, folder, start, GRPO, kept_steps=steps, kept=kept, **changes)


def made(arguments):
    files = arguments["files"]
    return [path.read_bytes() for path in (*files.kept, files.model)]


def test_they_are_the_weights_after_their_steps(tones, tmp_path, start):
    """A run that ends at a step, validated there alone, makes its model of the same weights."""
    finetune(**arguments(tones, tmp_path / "long", start))
    assert not (tmp_path / "long/state").exists()
    for step in STEPS[:2]:
        recipe = {**RECIPE, "max_steps": step, "validate_every": 100}
        finetune(**finetune_arguments(tones, tmp_path / str(step), start, GRPO, recipe=recipe))
        path = tmp_path / f"long/step{step}/model.safetensors"
        detectors = [load_detector(p, TINY) for p in (path, tmp_path / f"{step}/model.safetensors")]
        assert same(*(detector.state_dict() for detector in detectors)), step
        metadata = read_metadata(path)
        assert (metadata["steps"], metadata["licence"]) == (str(step), "CC0")
        assert json.loads(metadata["objective"]) == GRPO


def test_a_run_that_keeps_steps_is_otherwise_the_same(tones, tmp_path, start):
    finetune(**arguments(tones, tmp_path / "with", start))
    finetune(**finetune_arguments(tones, tmp_path / "without", start, GRPO))
    models = [load_detector(tmp_path / name / "model.safetensors", TINY) for name in
              ("with", "without")]  # fmt: skip
    assert same(*(model.state_dict() for model in models))
    rows = []
    for name in ("with", "without"):
        with (tmp_path / name / "history.csv").open() as file:
            rows.append([{**row, "wall_time": ""} for row in csv.DictReader(file)])
    assert rows[0] == rows[1]


def test_kept_weights_survive_kills(tones, tmp_path, start):
    """Killed at and after steps that are kept, with a state of each step and with none."""
    whole, cut = (arguments(tones, tmp_path / name, start) for name in ("whole", "cut"))
    finetune(**whole)
    for step, calls, minutes in ((4, 1, 60.0), (3, 500, 0.0), (8, 900, 0.0)):
        machine = dataclasses.replace(cut["machine"], save_minutes=minutes)
        with running(cut | {"machine": machine}, Moment(signal.SIGKILL, step, calls)) as run:
            assert run.end() == -signal.SIGKILL
        assert not cut["files"].model.exists()
    finetune(**cut)
    assert made(cut) == made(whole)


def test_a_warning_right_after_a_kept_step(tones, tmp_path, start):
    """The state of a step never is there without the weights that are kept of it."""
    trainer = make_trainer(tones, tmp_path, SFT, kept_steps=STEPS)
    assert not trainer.run(StopAfter(trainer, 3))
    assert trainer.kept(3).exists()
    assert trainer.saved[0] == 3
    kept = trainer.kept(3).read_bytes()
    again = make_trainer(tones, tmp_path, SFT, kept_steps=STEPS)
    again.restore()
    assert again.run(StopRequest())
    assert again.kept(3).read_bytes() == kept
    assert [again.kept(step).exists() for step in STEPS] == [True] * 3


def test_a_state_of_other_kept_steps_is_refused(tones, tmp_path):
    trainer = make_trainer(tones, tmp_path, SFT, kept_steps=(3,))
    assert not trainer.run(StopAfter(trainer, 5))
    for steps in ((3, 4), ()):
        with pytest.raises(InputError, match="kept steps"):
            make_trainer(tones, tmp_path, SFT, kept_steps=steps).restore()


def test_steps_that_the_run_does_not_reach_are_refused(tones, tmp_path):
    trainer = make_trainer(tones, tmp_path, SFT, max_steps=6, kept_steps=STEPS)
    with pytest.raises(InputError, match="step 7 are to be kept, but the run has 6 steps"):
        trainer.run(StopRequest())


def test_both_metrics_of_a_validation_are_noted(tones, tmp_path, start):
    for selection in ("eer", "der"):
        trainer = make_trainer(tones, tmp_path / selection, SFT, selection=selection)
        assert trainer.run(StopRequest())
        rows = [row for row in trainer.progress.history if row[0] in (5, 10, 12)]
        column = {"eer": -3, "der": -1}[selection]
        assert min(row[column] for row in rows) == trainer.progress.best
        other = [row for row in trainer.progress.history if row[0] not in (5, 10, 12)]
        assert torch.tensor([row[-1] for row in other]).isnan().all()
