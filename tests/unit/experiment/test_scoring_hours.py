"""What scoring takes in each precision, and what the plan says of it."""

import copy

import pytest

from sdd.experiment.experiment import Experiment
from sdd.experiment.needs import JobResources
from sdd.experiment.plan import plan, render
from sdd.experiment.scoring_hours import precision_notes, scoring_hours
from tests.helpers.experiments import DEMO, PAPER


def of(config):
    experiment = Experiment(config)
    return experiment, JobResources(experiment)


@pytest.mark.parametrize(
    ("recipe", "precision"), [("as_written", "tf32"), ("as_released", "fp32"), ("mine", "bf16")]
)
def test_hours_of_the_precision_of_a_recipe_are_those_of_the_plan(recipe, precision, tmp_path):
    config = copy.deepcopy(PAPER)
    config["recipes"]["mine"] = {**config["recipes"]["as_written"], "scoring_precision": "bf16"}
    experiment, needs = of(config)
    lines = plan(experiment, needs, recipe, tmp_path)
    scored = sum(line.jobs * line.job.hours for line in lines if line.name.startswith("score"))
    assert scoring_hours(experiment, needs)[precision] == pytest.approx(scored)


def test_hours_go_by_the_assumed_speeds():
    config = copy.deepcopy(PAPER)
    config["resources"]["gpu_teraflops"] = {"fp32": 10, "tf32": 40, "bf16": 200}
    hours = scoring_hours(*of(config))
    assert hours["fp32"] == pytest.approx(4 * hours["tf32"])
    assert hours["fp32"] == pytest.approx(20 * hours["bf16"])


def test_the_plan_names_all_three(tmp_path):
    experiment, needs = of(PAPER)
    notes = precision_notes(experiment, needs, "as_written")
    assert notes == ["Scoring takes 260 h in fp32, 37 h in tf32, 18 h in bf16; as_written: tf32."]
    text = render(plan(experiment, needs, "as_written", tmp_path), "Plan", {}, needs.speeds, notes)
    assert text.endswith(f"{notes[0]}\n")
    assert max(map(len, text.splitlines())) <= 80


def test_without_a_gpu_it_says_that_scoring_is_in_fp32():
    (note,) = precision_notes(*of(DEMO), "as_written")
    assert note == "Scoring is in fp32: scoring_precision (tf32) is that of a GPU."
