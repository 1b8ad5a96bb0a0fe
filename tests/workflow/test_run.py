"""A tiny real run from corpora to table and figure: what it makes, and the further targets."""

import csv
import json
import re

import numpy as np
import pytest

from sdd.presentation.report.report import FIGURES
from sdd.scoring.calibrations import read_calibration

CELLS = "results/mini/as_written/tiny_s/post"


def test_the_table_holds_the_means_of_the_cells(whole):
    with (whole.folder / "results/mini/as_written/table1.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["algorithm"] for row in rows] == ["none", "sft", "sft-grpo"]
    for row in rows:
        with (whole.folder / CELLS / row["algorithm"] / "round1/eer.csv").open() as file:
            rates = {line["test_set"]: float(line["eer_percent"]) for line in csv.DictReader(file)}
        assert float(row["dfe24_4s"]) == pytest.approx(rates["dfe24_4s"], abs=1e-9)
        assert float(row["out_of_domain_avg"]) == pytest.approx(rates["add23"], abs=1e-9)
        mean = (rates["dfe24_4s"] + rates["dfe24_10s"]) / 2
        assert float(row["in_domain_avg"]) == pytest.approx(mean, abs=1e-9)


def test_everything_is_made_and_nothing_half_written_is_left(whole):
    results = whole.folder / "results/mini"
    for name in (
        *("table1.tex", "table1.html", "table1.png", "table1.pdf", "figure2.png"),
        *("figure2.pdf", "figure2_column.png", "figure2_column.pdf", "claims.html", "claims.csv"),
    ):
        assert (results / "as_written" / name).stat().st_size > 1000
    text = (results / "as_written/table1.txt").read_text()
    assert re.search(r"^ *3 +post SFT→GRPO +\S+ ", text, re.MULTILINE)
    assert text in whole.printed
    # No row of it is in the paper, so there is nothing to subtract.
    assert not list((results / "as_written").glob("table1_minus_paper*"))
    caption = (results / "as_written/figure2.caption.tex").read_text()
    assert caption.startswith("Toy corpora: drift of Tiny-L. Drift: ")
    assert not [path for path in results.rglob(".*") if path.is_file()]
    assert not list(results.rglob("state/*/*"))


def test_error_rates_have_further_measures_and_those_of_the_validation_set(whole):
    with (whole.folder / CELLS / "sft/round1/eer.csv").open() as file:
        rows = list(csv.DictReader(file))
    with (whole.folder / CELLS / "sft/round1/history.csv").open() as file:
        history = [float(row["validation_eer"] or "nan") for row in csv.DictReader(file)]
    assert [row["test_set"] for row in rows] == ["dfe24_4s", "dfe24_10s", "add23"]
    for row in rows:
        assert all(np.isfinite(float(value)) for name, value in row.items() if name != "test_set")
        assert float(row["min_dcf"]) <= float(row["act_dcf"])
        assert float(row["cllr_min"]) <= float(row["cllr"])
        # The weights kept are those of the lowest: scored, the same set gives the same rate.
        assert float(row["validation_eer_percent"]) == pytest.approx(100 * np.nanmin(history))
    assert not list((whole.folder / CELLS / "sft/round1/embeddings").glob("asv19_dev.parquet"))
    calibration = read_calibration(whole.folder / CELLS / "sft/round1/calibration.json")
    assert calibration.cllr_calibrated <= calibration.cllr
    [scored] = calibration.files
    assert scored.endswith("sft/round1/scores/asv19_dev.parquet")
    assert (
        (whole.folder / CELLS / "sft/round1/breakdown.csv").read_text().startswith("test_set,by,")
    )


def test_intervals_and_comparisons_are_of_the_table(whole):
    folder = whole.folder / "results/mini/as_written"
    rows = {}
    for name in ("intervals", "comparisons", "claims"):
        with (folder / f"{name}.csv").open() as file:
            rows[name] = list(csv.DictReader(file))
    with (folder / "table1.csv").open() as file:
        table = {row["algorithm"]: row for row in csv.DictReader(file)}
    assert len(rows["intervals"]) == 3 * 5
    for row in rows["intervals"]:
        value = float(row["eer_percent"])
        assert value == pytest.approx(float(table[row["algorithm"]][row["test_set"]]), abs=1e-9)
        assert int(row["clusters"]) > 0
        if "give no interval of their own" in row["note"]:
            assert row["low"] == row["high"] == "nan"
        else:
            assert float(row["low"]) <= value <= float(row["high"])
    # A pair of the paper's claims, and the one of `compare`.
    pairs = {(row["algorithm_a"], row["algorithm_b"]) for row in rows["comparisons"]}
    assert pairs == {("sft", "none"), ("sft-grpo", "none")}
    assert len(rows["comparisons"]) == 2 * 5
    assert {row["claim"] for row in rows["claims"]} >= {
        "sft_lowers_in_domain",
        "drift_grpo_not_away",
    }


def test_the_report_and_a_partial_table_are_made_of_what_is_there(run):
    plan = run.plan("report")
    assert plan == {"draw_figures": 1, "write_report": 1, "report": 1}
    run.run("--", "report")
    folder = run.folder / "results/mini/as_written"
    page = (folder / "report.html").read_text(encoding="utf-8")
    for words in ("Toy corpora", "The paper&#x27;s claims", "Deviations in force", "SHA-256"):
        assert words in page
    assert "<script" not in page
    assert 'src="http' not in page
    assert page.count("data:image/png;base64,") == 2 * 8
    for words in ("Rows compared", "minDCF", "pooled", "the threshold of the validation set",
                  "What calibration is worth"):  # fmt: skip
        assert words in page
    drawn = {path.stem for path in (folder / "figures").glob("*.pdf")}
    assert drawn == set(FIGURES), "a figure that the report does not show"
    cell = run.folder / CELLS / "sft/round1/eer.csv"
    cell.unlink()
    output = run.run("--", "table1_partial")
    assert "2 of 3 cells measured" in output
    assert "Fine-tuning" not in output
    with (folder / "partial/table1.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["add23"] == "" for row in rows] == [False, True, False]


def test_trivial_features_are_tried_on_request(run):
    assert run.plan("shortcuts") == {"measure_features": 5, "measure_shortcuts": 1, "shortcuts": 1}
    output = run.run("--", "shortcuts")
    assert "Trained on dfe24_train, EER %" in output
    with (run.folder / "results/mini/shortcuts.csv").open() as file:
        rows = list(csv.DictReader(file))
    # All groups of features, five alone and two together: within five sets, and on four others.
    assert len(rows) == 7 * (5 + 4)
    for row in rows:
        assert 0 <= float(row["eer_percent"]) <= 100
        assert (row["flagged"] == "yes") == (float(row["eer_percent"]) < 25)
    page = (run.folder / "results/mini/inventory/shortcuts.html").read_text(encoding="utf-8")
    assert "Within each set, by cross-validation" in page


def test_the_plan_counts_all_of_it_as_done(run):
    """Every kind of job that Snakemake would send to a cluster; the rest takes seconds."""
    planned = run.run("--", "plan")
    counted = re.findall(r"^((\w[\w-]*) [\w ./-]*?) +(\d+) +(\d+) ", planned, re.M)
    lines = [(name, kind, int(jobs), int(done)) for name, kind, jobs, done in counted]
    assert {kind for _, kind, _, _ in lines} == {
        *("decode", "pre-train", "post-train", "train", "score", "measure", "together"),
    }
    assert {"measure drift", "measure uncertainty"} <= {name for name, _, _, _ in lines}
    assert [name for name, _, jobs, done in lines if done != jobs] == []
    assert sum(jobs for _, kind, jobs, _ in lines if kind == "train") == 2
    # What is taken away is not counted.
    model = run.folder / CELLS / "sft/round1/model.safetensors"
    model.unlink()
    planned = run.run("--", "plan")
    assert re.search(r"^train tiny_s post sft +1 +0 ", planned, re.M)
    assert re.search(r"^train tiny_s post sft-grpo +1 +1 ", planned, re.M)


def test_the_second_stage_starts_from_the_shared_first(whole):
    """sft-grpo goes on from the sft cell's model, and its file says what it went on with."""
    from sdd.detector import read_metadata

    metadata = read_metadata(whole.folder / CELLS / "sft-grpo/round1/model.safetensors")
    assert json.loads(metadata["objective"])["kind"] == "grpo"
    log = (whole.folder / ".snakemake/log").glob("*.log")
    assert sum(path.read_text().count("Fine-tuning tiny_s/post/sft/round1") for path in log) == 1


CALLS = """
sets: {calls: {corpus: add23, condition: {noise: white, snr: 10, codec: gsm}}}
out_of_domain: {sets: [add23, calls]}
"""


def test_a_condition_scores_nothing_of_the_clean_sets_again(run, tmp_path):
    plan = run.with_config(CALLS, tmp_path / "calls.yaml").plan("all")
    scored = {name for name in plan if name.startswith("score_")}
    assert plan["apply_condition"] == 1
    assert scored == set()  # their jobs' names have a hyphen, which job_counts leaves out
    assert not {"cut_segments", "prepare_audio", "finetune"} & set(plan)


def test_as_released_mp3_is_mp3_again_and_calls_are_heard_as_calls(run, tmp_path):
    """And `keep_models: none`: a model is there for the next stage and the scores, then gone."""
    config = (
        "keep_models: none\n"
        "recipes: {as_released: {max_steps: 2, validate_every: 1, old_policy_every: 1}}\n"
        f"{CALLS}"
    )
    workflow = run.with_config(config, tmp_path / "passing.yaml")
    cell = "results/mini/as_released/tiny_s/post/sft-grpo/round1"
    output = workflow.run("--", f"{cell}/eer.csv")
    assert output.count("Fine-tuning tiny_s/post/") == 2
    assert not list((run.folder / "results/mini/as_released").rglob("model.safetensors"))
    assert (run.folder / cell / "eer.csv").stat().st_size > 0
    assert (run.folder / cell / "history.csv").exists()
    heard_again(run.folder / "results/mini")
    with (run.folder / cell / "eer.csv").open() as file:
        rates = {row["test_set"]: row["eer_percent"] for row in csv.DictReader(file)}
    assert {"add23", "calls"} <= set(rates)
    assert (run.folder / CELLS / "sft/round1/model.safetensors").exists()
    assert workflow.plan(f"{cell}/eer.csv") == {}


def heard_again(results):
    """What was made anew: the same segments, of other audio, as long as they were."""
    import pyarrow.parquet as pq

    def table(name):
        return pq.read_table(results / f"segments/{name}.parquet").to_pylist()

    for row in table("calls"):
        assert row["file"].startswith("add23/conditions/calls/")
    pairs = [(table("dfe24_4s"), table("mp3/dfe24_4s")), (table("add23"), table("calls"))]
    for before, after in pairs:
        assert [row["segment_id"] for row in after] == [row["segment_id"] for row in before]
        for one, other in zip(before, after, strict=True):
            assert other["end"] - other["start"] == one["end"] - one["start"]
    changed = [one["file"] != other["file"] for one, other in zip(*pairs[0], strict=True)]
    assert changed == [row["path"].endswith(".mp3") for row in pairs[0][0]]
    assert 0 < sum(changed) < len(changed)


def test_segments_are_written_as_files_on_request(run, tmp_path):
    plan = run.with_config("materialise: true\n", tmp_path / "more.yaml").plan("all")
    assert set(plan) == {"all", "materialise_segments"}
    run.run("--", "results/mini/segments/dfe24_4s/protocol.csv")
    folder = run.folder / "results/mini/segments/dfe24_4s"
    with (folder / "protocol.csv").open() as file:
        names = [row["Path"].removeprefix("$ROOT/dfe24_4s/") for row in csv.DictReader(file)]
    assert len(names) > 10
    assert {path.name for path in folder.glob("*.flac")} == set(names)
