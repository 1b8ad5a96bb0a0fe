"""A tiny real run from corpora to table and figure, and what is done again after a change."""

import csv
import json
import re
import shutil

import numpy as np
import pytest
import soundfile
import yaml

from sdd.data.segments import read_segments
from sdd.presentation.report.report import FIGURES
from tests.helpers.planted_faults import plant_faults

from .conftest import Workflow, copy_checkout

CELLS = "results/mini/as_written/tiny_s/post"

MINI = {
    "name": "mini",
    "data_root": "results/mini/data",
    "toy": {"seed": 1, "scale": 0.5},  # 11 trials a class: fewer than 10 are refused
    "rows": [
        {"model": "tiny_s", "init": "post", "algorithm": algorithm}
        for algorithm in ("none", "sft", "sft-grpo")
    ],
    "out_of_domain": {"sets": ["add23"]},
    "in_domain": {"sets": ["dfe24_4s", "dfe24_10s"]},
    "corpora": {
        "toy_post": {
            "real": "results/mini/data/ToyPosttraining/real",
            "fake": "results/mini/data/ToyPosttraining/fake",
        }
    },
    "checkpoint_training": {"pre": {"steps": 2}, "post": {"max_steps": 2, "validate_every": 2}},
    "recipes": {"as_written": {"max_steps": 2, "validate_every": 1, "old_policy_every": 1}},
    "drift": {"model": "tiny_s", "panels": {"a": ["none", "sft"], "b": ["sft"]}},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The checkout after one complete run."""
    folder = copy_checkout(tmp_path_factory.mktemp("run"))
    (folder / "mini.yaml").write_text(yaml.safe_dump(MINI))
    workflow = Workflow(folder, "demo/config.yaml", "mini.yaml")
    output = workflow.run("--", "all")
    assert "Results to look at:\n  results/mini/as_written/table1.csv" in output
    return workflow


def test_the_table_holds_the_means_of_the_cells(run):
    with (run.folder / "results/mini/as_written/table1.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["algorithm"] for row in rows] == ["none", "sft", "sft-grpo"]
    for row in rows:
        with (run.folder / CELLS / row["algorithm"] / "round1/eer.csv").open() as file:
            rates = {line["test_set"]: float(line["eer_percent"]) for line in csv.DictReader(file)}
        assert float(row["dfe24_4s"]) == pytest.approx(rates["dfe24_4s"], abs=1e-9)
        assert float(row["out_of_domain_avg"]) == pytest.approx(rates["add23"], abs=1e-9)
        mean = (rates["dfe24_4s"] + rates["dfe24_10s"]) / 2
        assert float(row["in_domain_avg"]) == pytest.approx(mean, abs=1e-9)


def test_everything_is_made_and_nothing_half_written_is_left(run):
    results = run.folder / "results/mini"
    for name in (
        *("table1.tex", "table1.html", "table1.png", "table1.pdf", "figure2.png"),
        *("table1_minus_paper.html", "table1_minus_paper.csv", "claims.html", "claims.csv"),
    ):
        assert (results / "as_written" / name).stat().st_size > 1000
    assert not [path for path in results.rglob(".*") if path.is_file()]
    assert not list(results.rglob("state/*/*"))


def test_intervals_and_comparisons_are_of_the_table(run):
    folder = run.folder / "results/mini/as_written"
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
    [pair] = {(row["algorithm_a"], row["algorithm_b"]) for row in rows["comparisons"]}
    assert pair == ("sft", "none")
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
    assert page.count("data:image/png;base64,") == 2 * 6
    drawn = {path.stem for path in (folder / "figures").glob("*.pdf")}
    assert drawn == set(FIGURES), "a figure that the report does not show"
    cell = run.folder / CELLS / "sft/round1/eer.csv"
    hidden = cell.with_name("hidden")
    cell.rename(hidden)
    try:
        output = run.run("--nolock", "--", "table1_partial")
    finally:
        hidden.rename(cell)
    assert "2 of 3 cells measured" in output
    assert "Fine-tuning" not in output
    with (folder / "partial/table1.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["add23"] == "" for row in rows] == [False, True, False]


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
    hidden = model.with_name("hidden")
    model.rename(hidden)
    try:
        planned = run.run("--", "plan")
    finally:
        hidden.rename(model)
    assert re.search(r"^train tiny_s post sft +1 +0 ", planned, re.M)
    assert re.search(r"^train tiny_s post sft-grpo +1 +1 ", planned, re.M)


def test_the_second_stage_starts_from_the_shared_first(run):
    """sft-grpo goes on from the sft cell's model, and its file says what it went on with."""
    from sdd.detector import read_metadata

    metadata = read_metadata(run.folder / CELLS / "sft-grpo/round1/model.safetensors")
    assert json.loads(metadata["objective"])["kind"] == "grpo"
    log = (run.folder / ".snakemake/log").glob("*.log")
    assert sum(path.read_text().count("Fine-tuning tiny_s/post/sft/round1") for path in log) == 1


def test_nothing_is_done_twice(run):
    assert run.plan("all") == {}


def test_a_deleted_cell_is_made_again_alone(run):
    cell = run.folder / CELLS / "sft-grpo/round1"
    kept = cell.parent / "kept"
    shutil.copytree(cell, kept)
    shutil.rmtree(cell)
    try:
        plan = run.plan(f"{CELLS}/sft-grpo/round1/eer.csv")
    finally:
        shutil.rmtree(cell, ignore_errors=True)
        kept.rename(cell)
    assert plan == {"finetune": 1, "score_toy": 1, "measure_eer": 1}


def test_a_new_corpus_is_scored_alone(run, tmp_path):
    extra = tmp_path / "extra.yaml"
    extra.write_text(
        "corpora: {mine: {reader: folders, real: results/mini/data/ToyPosttraining/real,"
        " fake: results/mini/data/ToyPosttraining/fake}}\n"
        "sets: {mine: {corpus: mine}}\n"
        "out_of_domain: {sets: [add23, mine]}\n"
    )
    plan = Workflow(run.folder, *run.configfiles, extra).plan("all")
    scoring = {rule: count for rule, count in plan.items() if rule.startswith("score")}
    assert scoring == {"score_mine": 1, "score_mine_with_embeddings": 2}
    assert "finetune" not in plan
    assert plan["write_protocol"] == plan["prepare_audio"] == plan["cut_segments"] == 1


@pytest.fixture
def objectives(run):
    path = run.folder / "src/sdd/training/objectives.py"
    text = path.read_text()
    yield path, text
    path.write_text(text)


def test_a_comment_changes_nothing(run, objectives):
    path, text = objectives
    path.write_text(text.replace('"""Return the mean', '"""Give back the mean', 1) + "\n# more\n")
    assert path.read_text() != text
    assert run.plan("all") == {}


def test_changed_behaviour_fine_tunes_again(run, objectives):
    path, text = objectives
    path.write_text(
        text.replace("F.cross_entropy(logits, labels)", "2 * F.mse_loss(logits, logits)")
    )
    assert path.read_text() != text
    plan = run.plan("all")
    assert plan["finetune"] == 2
    assert "prepare_audio" not in plan
    assert "pretrain_encoder" not in plan


@pytest.fixture
def edit(run):
    """A way to edit files of the checkout, which are as they were afterwards."""
    texts = {}

    def replace(name, old, new):
        path = run.folder / name
        text = path.read_text()
        texts.setdefault(path, text)
        assert old in text
        path.write_text(text.replace(old, new))

    yield replace
    for path, text in texts.items():
        path.write_text(text)


def test_a_comment_in_a_script_changes_nothing(run, edit):
    for script in ("prepare_audio", "finetune", "measure_eer"):
        edit(f"workflow/scripts/{script}.py", "import Path\n", "import Path  # of files\n")
    assert run.plan("all") == {}


def test_what_cannot_change_a_result_changes_nothing(run, edit):
    for module in ("atomic_files", "job_log", "ownership", "stopping", "gpus"):
        edit(f"src/sdd/runtime/{module}.py", "\nfrom ", "\nCHANGED = 1\nfrom ")
    assert run.plan("all") == {}


def test_a_changed_switch_fine_tunes_again(run, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text("recipes: {as_written: {learning_rate: 3.0e-3}}\n")
    plan = Workflow(run.folder, *run.configfiles, other).plan("all")
    assert plan["finetune"] == 2
    assert "posttrain_detector" not in plan


def test_missing_corpora_are_named_before_anything_expensive(checkout, tmp_path):
    config = tmp_path / "none.yaml"
    config.write_text(f"data_root: {tmp_path}/nowhere\nname: nowhere\n")
    output = Workflow(checkout, config).run("--keep-going", "--", "protocols", ok=False)
    for corpus in ("Deepfake-Eval-2024", "ADD2023", "FakeOrReal", "In-the-Wild"):
        assert corpus in output
    assert "error: " in output


def test_a_file_that_cannot_be_decoded_is_named(run, tmp_path):
    for label in ("real", "fake"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "broken one.wav").write_bytes(b"RIFF, but no more")
    extra = tmp_path / "extra.yaml"
    extra.write_text(
        f"corpora: {{mine: {{reader: folders, real: {tmp_path}/real, fake: {tmp_path}/fake}}}}\n"
        "sets: {mine: {corpus: mine}}\n"
        "out_of_domain: {sets: [mine]}\n"
    )
    workflow = Workflow(run.folder, *run.configfiles, extra)
    output = workflow.run("--", "results/mini/segments/mine.parquet", ok=False)
    assert "broken one.wav" in output
    assert not (run.folder / "results/mini/audio/mine.csv").exists()


def test_a_csv_without_labels_is_named(run, tmp_path):
    (tmp_path / "mine.csv").write_text("ID,Path\na,a.wav\n")
    extra = tmp_path / "extra.yaml"
    extra.write_text(
        f"corpora: {{mine: {{reader: csv, path: {tmp_path}/mine.csv}}}}\n"
        "sets: {mine: {corpus: mine}}\n"
        "out_of_domain: {sets: [mine]}\n"
    )
    workflow = Workflow(run.folder, *run.configfiles, extra)
    output = workflow.run("--", "results/mini/protocols/mine.csv", ok=False)
    assert "mine.csv" in output
    assert "Label" in output


def test_what_failed_is_tried_again_though_an_older_output_is_there(run, tmp_path):
    """Snakemake takes a failed job whose older output it kept for done."""
    for name in ("a", "b", "c"):
        soundfile.write(tmp_path / f"{name}.wav", np.linspace(-0.5, 0.5, 8000), 16_000)
    table, good = tmp_path / "mine.csv", "ID,Label,Path\na,real,a.wav\nb,fake,b.wav\n"
    extra = tmp_path / "extra.yaml"
    extra.write_text(
        f"corpora: {{mine: {{reader: csv, path: {table}}}}}\n"
        "sets: {mine: {corpus: mine}}\n"
        "out_of_domain: {sets: [mine]}\n"
    )
    workflow = Workflow(run.folder, *run.configfiles, extra)
    target = "results/mini/segments/mine.parquet"
    table.write_text(good)
    workflow.run("--", target)
    assert workflow.plan(target) == {}
    # A protocol that cannot be written, and a source that cannot be prepared, each of them twice.
    for bad, words in (
        (good + "c,unsure,c.wav\n", "unsure"),
        (good + "c,real,c.wav\n", "c.wav"),
    ):
        (tmp_path / "c.wav").write_bytes(b"RIFF, but no more")
        table.write_text(bad)
        for _ in range(2):
            assert words in workflow.run("--", target, ok=False)
    table.write_text(good)
    workflow.run("--", target)
    assert len(read_segments(run.folder / target)) == 2
    assert workflow.plan(target) == {}
    (run.folder / target).unlink()  # the experiment of the other tests has no such set


def test_weights_go_once_nothing_planned_needs_them(run, tmp_path):
    """`keep_models: none`: a model is there for the next stage and the scores, then gone."""
    passing = tmp_path / "passing.yaml"
    passing.write_text(
        "keep_models: none\n"
        "recipes: {as_released: {max_steps: 2, validate_every: 1, old_policy_every: 1}}\n"
    )
    workflow = Workflow(run.folder, *run.configfiles, passing)
    cell = "results/mini/as_released/tiny_s/post/sft-grpo/round1"
    output = workflow.run("--", f"{cell}/eer.csv")
    assert output.count("Fine-tuning tiny_s/post/") == 2
    assert not list((run.folder / "results/mini/as_released").rglob("model.safetensors"))
    assert (run.folder / cell / "eer.csv").stat().st_size > 0
    assert (run.folder / cell / "history.csv").exists()
    assert (run.folder / CELLS / "sft/round1/model.safetensors").exists()
    assert workflow.plan(f"{cell}/eer.csv") == {}


def test_segments_are_written_as_files_on_request(run, tmp_path):
    more = tmp_path / "more.yaml"
    more.write_text("materialise: true\n")
    plan = Workflow(run.folder, *run.configfiles, more).plan("all")
    assert set(plan) == {"all", "materialise_segments"}
    run.run("--", "results/mini/segments/dfe24_4s/protocol.csv")
    folder = run.folder / "results/mini/segments/dfe24_4s"
    with (folder / "protocol.csv").open() as file:
        names = [row["Path"].removeprefix("$ROOT/dfe24_4s/") for row in csv.DictReader(file)]
    assert len(names) > 10
    assert {path.name for path in folder.glob("*.flac")} == set(names)


def test_ten_planted_faults_are_found(run, tmp_path):
    """`check_corpora` names all of them in one go, and nothing that is not there."""
    data = tmp_path / "data"
    shutil.copytree(run.folder / "results/mini/data", data)
    config = tmp_path / "planted.yaml"
    config.write_text(f"name: planted\ndata_root: {data}\n")
    workflow = Workflow(run.folder, config)
    inventory = run.folder / "results/planted/inventory"
    output = workflow.run("--", "check_corpora")
    assert "All 6 corpora can be used" in output
    faults = plant_faults(data)
    output = workflow.run("--", "check_corpora", ok=False)
    assert "error: 3 corpora cannot be used (see results/planted/inventory/corpora.html)" in output
    # Of toy corpora there are fewer utterances than published; two are neither real nor fake.
    expected = ("count", "published", "set_aside")
    with (inventory / "corpora.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] not in expected]
    for fault, (kind, name) in faults.items():
        found = [row for row in rows if row["kind"] == kind]
        assert [row["what"].endswith(name) for row in found] == [True], fault
    assert len(rows) == len(faults) == 10
    page = (inventory / "corpora.html").read_text()
    assert "The experiment cannot run: 3 of 6 corpora cannot be used" in page
    assert all(name in page for _, name in faults.values())
    # One corpus at a time: this one only has notes.
    assert "All 1 corpora can be used" in workflow.run("--", "check_asv19")
    workflow.run("--", "check_itw", ok=False)
    config.write_text(config.read_text() + "corpora: {itw: {unreadable_sources: 1}}\n")
    workflow.run("--", "check_itw")


def test_a_changed_decoder_prepares_again_and_ends_there_if_the_audio_is_the_same(run, edit):
    edit("src/sdd/data/audio/mp3.py", "_TOLERANCE = 4096", "_TOLERANCE = 4097")
    output = run.run("--", "all")
    assert output.count("Decoding corpus") == 4
    for words in ("Cutting set", "raining", "Fine-tuning", "Scoring", "Rendering"):
        assert words not in output
    assert run.plan("all") == {}


def test_other_audio_of_the_same_length_trains_again(run, edit):
    """Also when the run is interrupted after the segments are cut."""
    edit("src/sdd/data/audio/preparing.py", "piece * np", "0.99 * piece * np")
    tables = [
        str(path.relative_to(run.folder))
        for path in run.folder.glob("results/mini/segments/*.parquet")
    ]
    run.run("--", *tables)
    plan = run.plan("all")
    assert plan["pretrain_encoder"] == plan["posttrain_detector"] == 1
    assert plan["finetune"] == 2
    # And is as it was once the audio is.
    edit("src/sdd/data/audio/preparing.py", "0.99 * piece", "piece")
    run.run("--", *tables)
    assert run.plan("all") == {}
