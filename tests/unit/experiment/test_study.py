"""The study on real speech: its files are valid, its roles do not leak, and its pages say so."""

import re
from itertools import product

import pytest

from sdd.analysis.claims.drift_statements import DRIFT_CLAIMS, Drifts
from sdd.analysis.claims.eer_statements import CLAIMS
from sdd.analysis.columns import AVERAGES
from sdd.detector.architectures import find_architecture
from sdd.experiment.consistency import check_experiment
from sdd.experiment.costs import parameters
from sdd.experiment.experiment import Experiment
from sdd.experiment.needs import JobResources
from sdd.experiment.plan import plan
from sdd.experiment.schema import check_config
from sdd.experiment.variants import grids, trade_off_runs, tuned_rows, variants_of_row
from tests.helpers.experiments import PAPER, laid_over_paper, merge
from tests.helpers.paths import CHECKOUT

FILES = {
    "full": ("study/config.yaml", "study/controls.yaml"),
    "small": ("study/config.yaml", "study/small.yaml"),
    "tiny": ("study/config.yaml", "study/tiny.yaml"),
}
CONFIGS = {name: laid_over_paper(*files) for name, files in FILES.items()}
CONFIGS["released"] = merge(laid_over_paper("study/config.yaml"), {"recipe": "as_released"})
FULL = Experiment(CONFIGS["full"])
PLAN = (CHECKOUT / "docs/study-plan.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CONFIGS)
def test_its_files_are_valid(name):
    check_config(CONFIGS[name], CHECKOUT / "workflow/schemas/config.schema.yaml", [name])
    check_experiment(Experiment(CONFIGS[name]))


def test_make_puts_the_same_files_together():
    text = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    found = {name: tuple(files.split()) for name, files in
             re.findall(r"^STUDY_FILES_(\w+) := (.*)$", text, re.MULTILINE)}  # fmt: skip
    assert found == FILES


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_no_test_set_is_heard_before_it_is_scored(config):
    """By no training and no choice: other corpora, or other partitions of the same."""
    subject, training = Experiment(config), config["checkpoint_training"]
    heard = {
        *(config["training_set"], config["validation_set"], subject.reference_set),
        *(training["training_set"], training["validation_set"], subject.pretraining_set()),
    }
    assert heard | set(subject.test_sets) == set(subject.sets_in_use())
    assert set(subject.sets_in_use()) == set(config["sets"]) - set(PAPER["sets"])
    for name, test in product(heard, subject.test_sets):
        one, other = config["sets"][name], config["sets"][test]
        if one["corpus"] == other["corpus"]:
            assert {one["partition"], other["partition"]} in ({"train", "test"}, {"valid", "test"})
    # What weights and rates are chosen on is none of what is trained on.
    assert config["sets"][config["validation_set"]]["partition"] == "valid"
    assert config["sets"][config["training_set"]]["partition"] == "train"
    assert config["sets"][subject.pretraining_set()]["label"] == "real"
    # The target domain is no part of what the detector knew before.
    before = {config["sets"][name]["corpus"] for name in heard if name.startswith("fillets")}
    assert before == {"fillets"}


def test_only_the_scale_of_the_paper_s_recipes_is_changed():
    scale = {
        *("crop", "learning_rate", "warm_up_steps", "schedule_steps", "decay_factor", "epochs"),
        *("old_policy_every", "max_steps", "validate_every", "batch_seconds", "buckets"),
        "rawboost",
    }
    for config, name in product(CONFIGS.values(), PAPER["recipes"]):
        ours, paper = config["recipes"][name], PAPER["recipes"][name]
        assert {key for key in paper if ours[key] != paper[key]} <= scale
    objectives = FULL.config["objectives"]
    assert {name: objectives[name] for name in PAPER["objectives"]} == PAPER["objectives"]
    assert objectives["grpo_exact"] == {**PAPER["objectives"]["grpo"], "rollouts": "exact"}
    assert objectives["sft_kl1"]["beta"] == PAPER["objectives"]["grpo_beta1"]["beta"]


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_every_trained_row_is_tuned_by_one_grid(config):
    subject = Experiment(config)
    trained = [row for row in subject.rows() if subject.is_trained(row[2])]
    assert tuned_rows(subject) == trained
    rates = {name: grid["learning_rate"] for name, grid in grids(subject).items()}
    # A back end alone takes higher rates: ten times.
    rates |= {name: [rate / 10 for rate in rates[name]] for name in rates if "back_end" in name}
    assert len({tuple(round(rate, 9) for rate in values) for values in rates.values()}) == 1


def test_the_second_recipe_has_the_main_rows_of_the_first():
    rows = FULL.rows()[:5]
    assert Experiment(CONFIGS["released"]).rows() == rows
    for row in rows:
        names = [run.name for run in variants_of_row(FULL, row)] if row in tuned_rows(FULL) else []
        released = Experiment(CONFIGS["released"])
        assert names == ([run.name for run in variants_of_row(released, row)] if names else [])


# ------------------------------------------------------------------------- what its pages say
def test_numbers_of_the_plan():
    cells = FULL.cells()
    assert f"{len(FULL.rows())} rows, {len(cells)} cells" in PLAN
    assert f"{len(Experiment(CONFIGS['released']).cells())}\ncells" in PLAN
    encoder = find_architecture(FULL.architecture("small"))
    assert f"{parameters(encoder) / 1e6:.2f} million parameters" in PLAN
    assert len(trade_off_runs(FULL)) == 12
    assert "over the 12 runs" in PLAN
    assert f"{FULL.config['recipes']['as_written']['max_steps']} steps of some 14 s" in PLAN
    lines = [line.split("|")[1:3] for line in PLAN.splitlines() if line.count("|") == 4]
    listed = [(a.strip(), b.strip()) for a, b in lines if b.strip() in ("post", "pre")]
    assert listed == [(algorithm, init) for _, init, algorithm in FULL.rows()]


def test_the_plan_lists_the_claims_that_can_be_judged():
    there = set(FULL.rows())
    sets = {*FULL.test_sets, *AVERAGES, "in_domain", "out_of_domain"}
    judged = {
        claim.name
        for claim in CLAIMS
        if {claim.a.of("small"), claim.b.of("small")} <= there and set(claim.where) <= sets
    }
    # Those on sets of the paper by name have no test on other sets.
    drifts = Drifts({}, FULL.in_domain, FULL.out_of_domain)
    judged |= {claim.name for claim in DRIFT_CLAIMS if claim.tests(drifts)}
    drifting = {cell.algorithm for cell in FULL.drift_cells()}
    assert drifting >= {"none", "sft", "grpo", "grpo_beta1"}
    part = PLAN.split("These can be judged")[1].split("With one in-domain")[0]
    can, cannot = part.split("These cannot")
    assert set(re.findall(r"`(\w+)`", can)) == judged
    everything = {claim.name for claim in (*CLAIMS, *DRIFT_CLAIMS)}
    assert set(re.findall(r"`(\w+)`", cannot)) == everything - judged


def test_what_it_takes_by_arithmetic(tmp_path):
    """Less than was promised, six hours and 40 minutes of two cores, with some to spare.

    The full study had a fifth; grids that grew by the rule of docs/study-plan.md took half of it.
    """
    hours = {}
    for name in ("full", "small", "released"):
        subject = Experiment(CONFIGS[name])
        lines = plan(subject, JobResources(subject), subject.config["recipe"], tmp_path)
        assert all(line.device_hours is not None for line in lines), name
        hours[name] = sum(line.device_hours for line in lines)
    assert 5 < hours["full"] + hours["released"] < 12 * 0.9
    assert hours["small"] < 0.8 * 2 * 40 / 60
