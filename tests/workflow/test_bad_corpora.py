"""Corpora that cannot be used, in part or at all."""

import csv
import shutil

from tests.helpers.planted_faults import plant_faults

from .conftest import Workflow


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
    config = (
        f"corpora: {{mine: {{reader: folders, real: {tmp_path}/real, fake: {tmp_path}/fake}}}}\n"
        "sets: {mine: {corpus: mine}}\n"
        "out_of_domain: {sets: [mine]}\n"
    )
    workflow = run.with_config(config, tmp_path / "extra.yaml")
    output = workflow.run("--", "results/mini/segments/mine.parquet", ok=False)
    assert "broken one.wav" in output
    assert not (run.folder / "results/mini/audio/mine.csv").exists()


def test_a_csv_without_labels_is_named(run, tmp_path):
    (tmp_path / "mine.csv").write_text("ID,Path\na,a.wav\n")
    config = (
        f"corpora: {{mine: {{reader: csv, path: {tmp_path}/mine.csv}}}}\n"
        "sets: {mine: {corpus: mine}}\n"
        "out_of_domain: {sets: [mine]}\n"
    )
    workflow = run.with_config(config, tmp_path / "extra.yaml")
    output = workflow.run("--", "results/mini/protocols/mine.csv", ok=False)
    assert "mine.csv" in output
    assert "Label" in output


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
