"""Dry runs: what would be done, with no data on disk."""

import re

import pytest

from tests.helpers.snakemake_runs import job_counts, snakemake

from .conftest import Workflow


def test_the_paper_experiment_is_planned_with_nothing_on_disk(checkout):
    plan = Workflow(checkout).plan("all")
    assert plan["finetune"] == 51
    assert plan["measure_eer"] == 54
    assert plan["fetch_checkpoint"] == 4
    assert plan["write_protocol"] == plan["prepare_audio"] == 6
    assert plan["cut_segments"] == 12
    # 41 cells of the table are not in Figure 2; 13 are, and are scored with embeddings.
    for corpus in ("dfe24", "add23", "for", "dv", "itw", "asv19"):
        assert plan[f"score_{corpus}"] == 41
        assert plan[f"score_{corpus}_with_embeddings"] == 13
    assert plan["measure_drift"] == 13
    assert plan["render_table1"] == plan["draw_figure2"] == 1
    assert plan["measure_uncertainty"] == plan["judge_claims"] == plan["subtract_paper"] == 1
    # The further figures and the report are asked for by name.
    assert not {"draw_figures", "write_report", "compare_recipes", "table1_partial"} & set(plan)
    assert not {"measure_features", "measure_shortcuts"} & set(plan)


def test_the_other_recipe_is_planned_too(checkout):
    output = Workflow(checkout).run("-n", "--config", "recipe=as_released", "--", "all")
    assert "results/paper/as_released/xlsr_2b/post/grpo/round3/model.safetensors" in output
    assert "results/paper/as_written/" not in output
    # Of each set that is cut; their labels are those of the segments as they were.
    plan = job_counts(output)
    assert (plan["encode_mp3_again"], plan["cut_segments"]) == (6, 11)
    reasons = re.findall(r"Fine-tuning .*\n(Reason: .*)", output)
    assert len(reasons) == 51
    assert all("segments/mp3/dfe24_train.parquet" in reason for reason in reasons)
    assert all("segments/asv19_dev.parquet" in reason for reason in reasons)


def test_zero_shot_trains_nothing(checkout):
    plan = Workflow(checkout).plan("zero_shot")
    assert "finetune" not in plan
    assert plan["measure_eer"] == plan["fetch_checkpoint"] == 3


def test_the_controls_are_planned_too(checkout):
    plan = Workflow(checkout, "controls.yaml").plan("all")
    assert (plan["finetune"], plan["average_weights"], plan["measure_eer"]) == (30, 6, 37)
    half = "results/controls/as_written/xlsr_2b/post/sft-half/round2/model.safetensors"
    plan = Workflow(checkout, "controls.yaml").plan(half)
    assert (plan["finetune"], plan["average_weights"], plan["fetch_checkpoint"]) == (1, 1, 1)


def test_the_study_is_planned_too(checkout):
    """Numbers of its config and of docs/study-plan.md, deviations included."""
    files = ("study/config.yaml", "study/controls.yaml")
    plan = Workflow(checkout, *files).plan("all")
    assert (plan["finetune"], plan["average_weights"], plan["measure_eer"]) == (60, 10, 71)
    assert (plan["train_candidate"], plan["choose_settings"]) == (60, 12)
    assert plan["train_along"] == 12
    # 71 cells and 60 checkpoints of the trade-off, each in one process.
    assert plan["score_study"] + plan["score_study_with_embeddings"] == 131
    assert plan["write_protocol"] == plan["prepare_audio"] == plan["make_study_corpus"] == 6
    assert plan["fetch_study_packages"] == 1
    assert plan["pretrain_encoder"] == plan["posttrain_detector"] == 1
    plan = Workflow(checkout, "study/config.yaml", "study/tiny.yaml").plan("report")
    assert (plan["finetune"], plan["train_candidate"], plan["write_report"]) == (4, 4, 1)


def test_a_cell_is_asked_for_by_its_path(checkout):
    plan = Workflow(checkout).plan("results/paper/as_written/mms_1b/post/grpo/round2/eer.csv")
    assert plan["finetune"] == plan["measure_eer"] == plan["fetch_checkpoint"] == 1
    two_stages = "results/paper/as_written/xlsr_2b/post/sft-grpo/round2/eer.csv"
    assert Workflow(checkout).plan(two_stages)["finetune"] == 2


def test_what_reads_audio_waits_until_it_is_prepared(checkout):
    """Else a job could read FLAC files while they are made anew."""
    target = "results/demo/as_written/tiny_s/pre/sft/round1/eer.csv"
    graph = Workflow(checkout, "demo/config.yaml").run("--dag", "--", target)
    rules = dict(re.findall(r'^\s*(\d+)\[label = "(\w+)', graph, re.MULTILINE))
    edges = re.findall(r"^\s*(\d+) -> (\d+)", graph, re.MULTILINE)
    waits = [rules[after] for before, after in edges if rules[before] == "prepare_audio"]
    # A corpus each: what they are trained on; for fine-tuning and scores that of validation, too.
    assert waits.count("pretrain_encoder") == 1
    assert waits.count("finetune") == 2
    assert waits.count("score_toy") == 6


def test_a_figure_is_asked_for_by_its_path(checkout):
    plan = Workflow(checkout).plan("results/paper/as_written/figure2.png")
    assert plan["finetune"] == 12
    assert "render_table1" not in plan


def test_corpora_are_left_out_in_one_line(checkout, tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("leave_out: [dv, itw]\n")
    plan = Workflow(checkout, own).plan("all")
    assert not any("dv" in rule or "itw" in rule for rule in plan)
    assert plan["write_protocol"] == 4
    assert plan["finetune"] == 51


def test_without_scores_of_the_validation_set(checkout, tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("scoring: {validation: false}\n")
    plan = Workflow(checkout, own).plan("all")
    assert "score_asv19" not in plan
    assert plan["score_asv19_with_embeddings"] == 13
    plan = Workflow(checkout, own).plan("zero_shot")
    assert "asv19" not in " ".join(plan)
    assert plan["write_protocol"] == 5


def test_the_demo_is_the_same_rules(checkout):
    plan = Workflow(checkout, "demo/config.yaml").plan("all")
    # None of its rows is in the paper.
    assert "subtract_paper" not in plan
    assert plan["finetune"] == 17
    assert plan["pretrain_encoder"] == plan["posttrain_detector"] == 3
    assert plan["score_toy"] + plan["score_toy_with_embeddings"] == 20


def test_a_target_of_another_experiment_is_one_clear_error(checkout):
    target = "results/demo/as_written/table1.csv"
    output = Workflow(checkout).run("-n", "--", target, ok=False)
    assert "MissingRuleException" not in output
    assert "results/demo/ is of an experiment named 'demo'" in output
    assert "snakemake --configfile demo/config.yaml" in output


def test_own_corpora_may_lie_below_the_results_of_another_experiment(checkout, tmp_path):
    """What is an input of this one is no target of the other."""
    (tmp_path / "results/other").mkdir(parents=True)
    (tmp_path / "results/other/own.csv").write_text("ID,Label,Path\n")
    (tmp_path / "own.yaml").write_text(
        "{name: own, corpora: {own: {reader: csv, path: results/other/own.csv}},"
        " sets: {own: {corpus: own}}, in_domain: {sets: [own]}, out_of_domain: {sets: []},"
        " rows: [{model: mms_300m, init: post, algorithm: none}], drift: {panels: {a: [], b: []}}}"
    )
    arguments = ["--snakefile", str(checkout / "Snakefile"), "--configfile", "own.yaml"]
    output = snakemake(tmp_path, *arguments, "--cores", "1", "--dry-run", "--", "zero_shot")
    plan = job_counts(output)
    assert plan["write_protocol"] == 1
    assert "another_experiment" not in plan


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rouns: 3\n", ["bad.yaml", "rouns", "did you mean rounds?"]),
        (
            "recipes: {as_written: {learning_rate: 1e-6}}\n",
            ["bad.yaml", "recipes.as_written.learning_rate", "'1e-6'", "1.0e-6"],
        ),
        (
            "rows: [{model: xlsr_2b, init: post, algorithm: grop}]\n",
            ["bad.yaml", "row 1", "grop", "did you mean grpo?"],
        ),
    ],
)
def test_a_bad_config_is_one_clear_error(checkout, tmp_path, text, words):
    bad = tmp_path / "bad.yaml"
    bad.write_text(text)
    output = Workflow(checkout, bad).run("-n", "--", "all", ok=False)
    assert "Traceback" not in output
    for word in words:
        assert word in output
