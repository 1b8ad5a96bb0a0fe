"""Cells trained otherwise: candidates of settings, and runs of the trade-off."""

import re
from pathlib import Path

import pytest
import yaml

from sdd.errors import InputError
from sdd.experiment import contents, settings
from sdd.experiment.cells import CELL_PATTERN, Cell, Variant
from sdd.experiment.consistency import check_experiment
from sdd.experiment.needs import JobResources
from sdd.experiment.plan import plan
from sdd.experiment.schema import check_config
from sdd.experiment.variants import (
    candidate_named,
    candidates,
    scored,
    trade_off_runs,
    trade_off_starts,
    tuned_rows,
    variants_of_row,
)
from tests.helpers.experiments import DEMO, experiment
from tests.helpers.paths import CHECKOUT

SCHEMA = CHECKOUT / "workflow/schemas/config.schema.yaml"
BOTH = """
rounds: 2
tune:
  rounds: 1
  grids:
    sft: {learning_rate: [1.0e-6, 1.0e-5], max_steps: [100, 200]}
    sft-grpo: {learning_rate: [1.0e-5]}
trade_off:
  model: tiny_l
  algorithms: [sft, sft-grpo]
  learning_rates: [1.0e-3, 1.0e-2]
  steps: [80, 10]
"""
SFT = Cell("tiny_l", "post", "sft", 1)


def demo(change=""):
    return checked(BOTH + change)


def checked(overlay):
    subject = experiment(overlay, DEMO)
    check_config(subject.config, SCHEMA, ["x.yaml"])
    check_experiment(subject)
    return subject


def test_candidates_are_all_combinations_in_order():
    assert candidates(demo(), "sft") == [
        {"learning_rate": 1e-6, "max_steps": 100},
        {"learning_rate": 1e-6, "max_steps": 200},
        {"learning_rate": 1e-5, "max_steps": 100},
        {"learning_rate": 1e-5, "max_steps": 200},
    ]
    names = [v.name for v in variants_of_row(demo(), ("tiny_l", "post", "sft"))]
    assert names[0] == "learning_rate-1e-06_max_steps-100"
    assert len(set(names)) == 4
    assert candidate_named(demo(), SFT, names[3]).changes == candidates(demo(), "sft")[3]
    with pytest.raises(InputError, match=r"tune\.grids\.sft has no candidate 'x'.*max_steps-100"):
        candidate_named(demo(), SFT, "x")


def test_rows_and_their_first_stages_are_tuned():
    assert tuned_rows(experiment()) == []
    rows = tuned_rows(demo())
    assert len(rows) == 5
    assert rows[0] == ("tiny_l", "post", "sft")
    alone = demo("rows: [{model: tiny_s, init: post, algorithm: sft-grpo}]\n"
                 "drift: {model: tiny_s, panels: {a: [none], b: [none]}}\n")  # fmt: skip
    assert set(tuned_rows(alone)) == {
        (model, "post", algorithm)
        for model in ("tiny_s", "tiny_l")
        for algorithm in ("sft", "sft-grpo")
    } - {("tiny_l", "post", "sft-grpo")}


def test_a_tuned_cell_does_not_depend_on_what_the_grid_decides():
    plain = settings.finetuning(experiment("rounds: 2", DEMO), SFT, "as_written")
    tuned = settings.finetuning(demo(), SFT, "as_written")
    dropped = {"learning_rate", "max_steps"}
    assert set(plain["recipe"]) - set(tuned["recipe"]) == dropped
    assert {**tuned, "recipe": None} == {**plain, "recipe": None}
    # GRPO from the checkpoint has no grid.
    grpo = Cell("tiny_l", "post", "grpo", 1)
    assert "max_steps" in settings.finetuning(demo(), grpo, "as_written")["recipe"]
    assert "max_steps" in settings.piloted_training(demo(), SFT, "as_written")["stage"]["recipe"]


def test_a_candidate_is_its_cell_with_other_switches():
    plain = settings.finetuning(experiment("rounds: 2", DEMO), SFT, "as_written")
    found = settings.with_changes(demo(), Variant(SFT, {"max_steps": 7}), "as_written")
    assert found == {**plain, "recipe": {**plain["recipe"], "max_steps": 7}}


def test_choices_are_made_of_validations_by_the_selection_of_the_recipe():
    row = ("tiny_l", "post", "sft-grpo")
    assert settings.choice(demo(), row, "as_written") == {
        "candidates": [{"settings": {"learning_rate": 1e-5}, "round": 1}],
        "selection": "eer",
        "validation_set": "asv19_dev",
    }
    assert settings.choice(demo(), row, "as_released")["selection"] == "der"


def test_a_run_goes_to_its_last_step_whatever_the_validations():
    run = trade_off_runs(demo("recipes: {as_written: {early_stopping: 2}}\n"))[0]
    assert run.cell == SFT
    found = settings.followed_training(demo(), run, "as_written")
    assert found["kept_steps"] == [10, 80]
    assert found["recipe"]["max_steps"] == 80
    assert found["recipe"]["learning_rate"] == 1e-3
    assert found["recipe"]["early_stopping"] is None


def test_steps_are_scored_as_cells_and_starts_with_them():
    subject = demo()
    assert len(trade_off_runs(subject)) == 2 * 2 * 2
    assert trade_off_starts(subject) == [
        Cell("tiny_l", "post", "none", 1),
        *(Cell("tiny_l", "post", "sft", number) for number in (1, 2)),
    ]
    measured = settings.trade_off(subject, "as_written")
    paths = [path for run in measured["runs"] for path in run["steps"].values()]
    assert len(set(paths)) == 16
    assert "trade_off/learning_rate-0.001/step10/tiny_l/post/sft/round1" in paths
    found = [path for _, job, path in scored(subject) if job.name == "toy"]
    assert set(paths) <= set(found)
    assert len(set(found)) == len(found)
    for path in paths:
        assert Cell.parse(path).model == "tiny_l"
        (job,) = (job for job in subject.scoring_jobs() if job.is_for_path(path))
        assert set(subject.test_sets) | {"asv19_dev"} <= set(job.sets)
        # Without a trade-off nothing but cells is scored.
        plain = experiment("{}", DEMO).scoring_jobs()
        assert not any(job.is_for_path(path) for job in plain)
        assert re.fullmatch(CELL_PATTERN, path) is None


def test_the_trade_off_may_have_fewer_rounds():
    assert len(trade_off_runs(demo())) == 8
    assert {run.cell.round for run in trade_off_runs(demo("  rounds: 1\n"))} == {1}
    # A second stage of the run that there is.
    assert trade_off_starts(demo("  rounds: 1\n"))[1:] == [SFT]
    (line,) = (line for line in lines(demo("  rounds: 1\n"), Path("nowhere"), "follow tiny_l sft-"))
    assert line.jobs == 2


def test_rows_to_be_compared_are_of_one_model_and_start():
    found = demo("compare: [[grpo, sft], [sft-grpo, none]]\n").compared_rows()
    starts = [("tiny_l", "post"), ("tiny_l", "pre"), ("tiny_m", "post"), ("tiny_s", "post")]
    assert found[:4] == [
        (("tiny_l", "post", "grpo"), ("tiny_l", "post", "sft")),
        (("tiny_l", "post", "sft-grpo"), ("tiny_l", "post", "none")),
        (("tiny_l", "pre", "grpo"), ("tiny_l", "pre", "sft")),
        (("tiny_m", "post", "grpo"), ("tiny_m", "post", "sft")),
    ]
    assert [a[:2] for a, _ in found if a[2] == "grpo"] == starts
    assert settings.uncertainty(demo(), "as_written")["compared"] == []


def test_without_either_nothing_changes():
    assert trade_off_runs(experiment()) == trade_off_starts(experiment()) == []
    assert next(job.cells for job in experiment().scoring_jobs()).endswith(CELL_PATTERN)
    found = contents.report(experiment(), "as_written")
    assert (found["tuned"], found["trade_off"]) == (False, None)


def test_a_trade_off_alone_trains_and_brings_its_checkpoint():
    followed = BOTH[BOTH.index("trade_off:") :]
    subject = checked(
        f"{followed}\nrows: [{{model: tiny_s, init: post, algorithm: none}}]\n"
        "drift: {model: tiny_s, panels: {a: [none], b: [none]}}\n"
    )
    assert subject.trains()
    assert "tiny_l/post" in subject.checkpoints_in_use()
    assert ("tiny_l", "post") in subject.trained_checkpoints()
    assert subject.scored_validation_set == "asv19_dev"


def lines(subject, results, prefix):
    found = plan(subject, JobResources(subject), "as_written", results)
    return [line for line in found if line.name.startswith(prefix)]


def test_the_plan_counts_both(tmp_path):
    subject = demo()
    tuning = lines(subject, tmp_path, "tune tiny_l post sft")
    # Two lengths of SFT, twice as long each; and its second stage.
    assert [line.jobs for line in tuning] == [2, 2, 1]
    assert tuning[1].job.hours > 1.4 * tuning[0].job.hours > 0
    assert all(line.job.kept_gb == 0 for line in tuning)
    runs = lines(subject, tmp_path, "follow tiny_l")
    assert [(line.name, line.jobs, line.done) for line in runs] == [
        ("follow tiny_l sft", 4, 0),
        ("follow tiny_l sft-grpo", 4, 0),
    ]
    (plain,) = lines(experiment("{}", DEMO), tmp_path, "train tiny_l post sft-grpo_s")
    assert runs[0].job.kept_gb == pytest.approx(2 * plain.job.kept_gb)
    scoring = sum(line.jobs for line in lines(subject, tmp_path, "score tiny_l toy"))
    before = sum(
        line.jobs for line in lines(experiment("rounds: 2", DEMO), tmp_path, "score tiny_l toy")
    )
    assert scoring == before + 16
    # A tuned cell asks for the longest that may be chosen.
    (tuned,) = (li for li in lines(subject, tmp_path, "train tiny_l post sft") if
                li.name == "train tiny_l post sft")  # fmt: skip
    assert tuned.job.hours == tuning[1].job.hours


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("tune: {grids: {stf: {rawboost: [0]}}}", r"tune\.grids\.stf: 'stf' is not defined"),
        ("tune: {grids: {none: {rawboost: [0]}}}", r"tune\.grids\.none: none trains nothing"),
        ("tune: {grids: {grpo_x: {rawboost: [0]}}}\nalgorithms: {grpo_x: [grpo]}",
         r"tune\.grids\.grpo_x: no row"),
        ("tune: {rounds: 3}", r"tune\.rounds: 3 are more than rounds \(2\)"),
        ("tune: {grids: {sft: {rawbost: [0]}}}", r"sft: unknown key 'rawbost'; did you mean raw"),
        ("tune: {grids: {sft: {rawboost: [7]}}}", r"tune\.grids\.sft\.rawboost\.0: 7"),
        ("tune: {grids: {sft: {rawboost: [0]}}}\nrecipe: as_released",
         r"sft\.rawboost: as_released augments the validation set"),
        ("tune: {grids: {sft: {rawboost: []}}}", r"tune\.grids\.sft\.rawboost: \[\]"),
        ("trade_off: {model: tiny}", r"trade_off\.model: 'tiny' is not defined"),
        ("trade_off: {algorithms: [none]}", r"trade_off\.algorithms: none trains nothing"),
        ("trade_off: {algorithms: [stf]}", r"trade_off\.algorithms: 'stf'"),
        ("trade_off: {learning_rates: ['1e-3']}", r"learning_rates\.0: '1e-3' is text"),
        ("trade_off: {steps: [0]}", r"trade_off\.steps\.0: 0"),
        ("trade_off: {rounds: 3}", r"trade_off\.rounds: 3 are more than rounds \(2\)"),
        ("trade_off: {rounds: 0}", r"trade_off\.rounds: 0"),
        ("compare: [[sft, grop]]", r"compare: 'grop' is not defined; did you mean grpo"),
        ("compare: [[sft, sft]]", r"compare\.0: \['sft', 'sft'\]"),
        ("compare: [[sft, grpo_x]]\nalgorithms: {grpo_x: [grpo]}",
         r"compare: no model has rows of both sft and grpo_x"),
        ("scoring: {validation: false}", r"scoring\.validation: false leaves out"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_clear_error(change, words):
    overlay = yaml.safe_load(BOTH)
    for key, value in yaml.safe_load(change).items():
        known = overlay.get(key, {})
        overlay[key] = {**known, **value} if isinstance(value, dict) else value
        if isinstance(value, dict) and "grids" in value:
            overlay[key]["grids"] = {**known["grids"], **value["grids"]}
    with pytest.raises(InputError, match=words):
        checked(yaml.safe_dump(overlay))


def test_a_trade_off_needs_what_changes_are_measured_from():
    subject = experiment("trade_off: {model: xlsr_2b, algorithms: [sft], learning_rates: [1.0e-6], "
                         "steps: [10]}\nrows: [{model: xlsr_2b, init: post, algorithm: sft}]\n"
                         "drift: {panels: {a: [sft], b: [sft]}}")  # fmt: skip
    del subject.config["algorithms"]["none"]
    with pytest.raises(InputError, match="add `none: "):
        check_experiment(subject)
