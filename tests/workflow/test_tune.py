"""Settings chosen on the validation set, and runs that are scored along the way."""

import csv
import shutil

import pytest
import yaml
from scipy.special import rel_entr, softmax

from sdd.runtime.csv_rows import write_rows
from sdd.scoring.score_tables import read_scores

from .conftest import Workflow

BOTH = """
tune:
  rounds: 1
  grids:
    sft: {learning_rate: [1.0e-3, 4.0e-3]}
    sft-grpo: {learning_rate: [1.0e-3], max_steps: [1, 2]}
trade_off:
  model: tiny_s
  algorithms: [sft]
  learning_rates: [1.0e-3, 4.0e-3]
  steps: [1, 2]
"""
TUNE_SFT = "tune: {rounds: 1, grids: {sft: {learning_rate: [1.0e-3, 4.0e-3]}}}\n"
TEST_CORPORA = ("add23", "for", "dv", "itw")
RECIPE = "results/mini/as_written"


@pytest.fixture
def both(tmp_path):
    path = tmp_path / "both.yaml"
    path.write_text(BOTH)
    return path


def test_both_are_planned_before_anything_is_chosen(checkout, both):
    demo = Workflow(checkout, "demo/config.yaml")
    plain, plan = demo.plan("all"), Workflow(checkout, "demo/config.yaml", both).plan("all")
    # Two rates, and two lengths of the second stage; sft stands in four rows of Table 1.
    added = {
        "train_candidate": 4 * 2 + 2,
        "choose_settings": 5,
        "collect_choices": 1,
        "train_along": 2,
        "measure_trade_off": 1,
        "draw_trade_off": 1,
    }
    assert plan == {**plain, **added, "score_toy": plain["score_toy"] + 4}


def test_tuning_reads_nothing_of_test_sets(checkout, both):
    """Every file that the target asks for, and every one that those are made of."""
    workflow = Workflow(checkout, "demo/config.yaml", both)
    printed = workflow.run("--detailed-summary", "--", "tune")
    rows = list(
        csv.DictReader(printed[printed.index("output_file") :].splitlines(), delimiter="\t")
    )
    files = {row["output_file"] for row in rows}
    files |= {name for row in rows for name in row["input-file(s)"].split(",")}
    assert "results/demo/as_written/tuned.yaml" in files
    assert "results/demo/segments/asv19_dev.parquet" in files
    segments = {name.split("/")[-1] for name in files if "/segments/" in name}
    assert segments == {"dfe24_train.parquet", "asv19_dev.parquet", "toy_post.parquet"}
    for name in files:
        assert not any(f"/{corpus}." in name for corpus in TEST_CORPORA), name
        assert "/scores/" not in name
        assert "/embeddings/" not in name


def test_a_choice_is_made_and_used_without_the_test_corpora(run, tmp_path):
    """Their files are deleted: what the corpora and the experiment have of them."""
    workflow = run.with_config(TUNE_SFT, tmp_path / "tune.yaml")
    results = run.folder / "results/mini"
    shutil.rmtree(results / "data/ADD2023")
    for path in (*results.glob("*/add23*"), *results.glob("segments/dfe24_[14]*")):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for rate, value in ((0.001, 0.2), (0.004, 0.1)):
        # As training would leave it.
        folder = run.folder / RECIPE / f"tuning/learning_rate-{rate}/tiny_s/post/sft/round1"
        row = {"step": 2, "validation_eer": value, "validation_der": value}
        write_rows(folder / "history.csv", [row])
    assert workflow.plan("tune") == {"choose_settings": 1, "collect_choices": 1, "tune": 1}
    printed = workflow.run("--", "tune")
    assert "tiny_s/post/sft: learning_rate 0.004\n  learning_rate: 0.004 is the highest" in printed
    tuned = yaml.safe_load((run.folder / RECIPE / "tuned.yaml").read_text())
    assert tuned["tiny_s/post/sft"]["chosen"] == {"learning_rate": 0.004}
    # The cell of the row, and the second stage that starts from it.
    model = f"{RECIPE}/tiny_s/post/sft-grpo/round1/model.safetensors"
    assert workflow.plan(model) == {"finetune": 2}
    assert "the config has no `tune:`" in run.run("--dry-run", "--", "tune", ok=False)


def test_a_trade_off_is_measured_and_drawn(run, tmp_path):
    workflow = run.with_config(BOTH[BOTH.index("trade_off:") :], tmp_path / "trade_off.yaml")
    recipe = run.folder / RECIPE
    # As if the steps had been trained and scored: the scores of cells that were.
    for rate, step, algorithm in (
        (0.001, 1, "none"),
        (0.001, 2, "sft"),
        (0.004, 1, "sft"),
        (0.004, 2, "sft-grpo"),
    ):
        path = recipe / f"trade_off/learning_rate-{rate}/step{step}/tiny_s/post/sft/round1/scores"
        shutil.copytree(recipe / f"tiny_s/post/{algorithm}/round1/scores", path)
    plan = workflow.plan("trade_off")
    assert plan == {"measure_trade_off": 1, "draw_trade_off": 1, "trade_off": 1}
    workflow.run("--", "trade_off")
    with (recipe / "trade_off.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(float(row["learning_rate"]), int(row["step"])) for row in rows] == [
        (rate, step) for rate in (0.001, 0.004) for step in (0, 1, 2)
    ]
    rates = {}
    for algorithm in ("none", "sft", "sft-grpo"):
        with (recipe / f"tiny_s/post/{algorithm}/round1/eer.csv").open() as file:
            rates[algorithm] = {
                line["test_set"]: float(line["eer_percent"]) for line in csv.DictReader(file)
            }
    for row, algorithm in zip(
        rows, ("none", "none", "sft", "none", "sft", "sft-grpo"), strict=True
    ):
        assert float(row["add23"]) == pytest.approx(rates[algorithm]["add23"])
        change = rates[algorithm]["add23"] - rates["none"]["add23"]
        assert float(row["out_of_domain_change"]) == pytest.approx(change)
        assert float(row["kl"]) == pytest.approx(divergence(recipe, algorithm), abs=1e-12)
    with (recipe / "trade_off_correlations.csv").open() as file:
        assert [row["runs"] for row in csv.DictReader(file)] == ["2"] * 3
    names = {path.name for path in (recipe / "trade_off/figures").glob("[!.]*")}
    assert names == {
        f"{name}{ending}"
        for name in ("trade_off", "change_against_kl")
        for ending in (".png", ".pdf", "_narrow.png")
    }


def divergence(recipe, algorithm):
    """KL(cell || none) on the validation set, by scipy."""
    logits = [
        read_scores(recipe / f"tiny_s/post/{name}/round1/scores/asv19_dev.parquet").logits
        for name in (algorithm, "none")
    ]
    p, q = (softmax(values.astype(float), axis=1) for values in logits)
    return rel_entr(p, q).sum(axis=1).mean()
