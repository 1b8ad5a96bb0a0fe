"""A run kept small, and counted again or gone on with elsewhere."""

import shutil

import pytest

from .conftest import Workflow

RECIPE = "results/mini/as_written"
# What needs no audio, and seconds.
COUNTING = {
    "all",
    "draw_figure2",
    "judge_claims",
    "measure_eer",
    "measure_uncertainty",
    "render_table1",
    "subtract_paper",
}


@pytest.fixture
def kept(run, tmp_path):
    """A run whose record is kept, and its table."""
    workflow = run.with_config("record: kept\n", tmp_path / "record.yaml")
    workflow.run("--", "keep_record")
    workflow.table = (run.folder / RECIPE / "table1.csv").read_bytes()
    return workflow


def forget(workflow):
    """Delete all results, and what Snakemake knows of them."""
    shutil.rmtree(workflow.folder / "results/mini")
    shutil.rmtree(workflow.folder / ".snakemake")


def test_a_record_is_counted_again_without_audio(kept):
    forget(kept)
    kept.run("--", "restore_record")
    assert set(kept.plan("all")) <= COUNTING
    kept.run("--", "all")
    assert (kept.folder / RECIPE / "table1.csv").read_bytes() == kept.table
    assert not list(kept.folder.glob("results/mini/**/*.flac"))


def test_elsewhere_a_run_goes_on(kept):
    """Of the record's cells one was not trained yet; the one that it starts from has no weights."""
    shutil.rmtree(kept.folder / "kept/mini/as_written/tiny_s/post/sft-grpo")
    segments = sorted(kept.folder.glob("results/mini/segments/*.parquet"))
    forget(kept)
    kept.run("--", *(str(path.relative_to(kept.folder)) for path in segments))
    kept.run("--", "restore_record")
    plan = kept.plan("all")
    assert {rule: count for rule, count in plan.items() if rule not in COUNTING} == {
        "finetune": 2,
        "score_toy": 1,
        "score_toy_with_embeddings": 1,
        "measure_drift": 1,
    }
    kept.run("--", "all")
    assert (kept.folder / RECIPE / "table1.csv").read_bytes() == kept.table


def test_a_record_is_of_one_config(kept, tmp_path):
    path = tmp_path / "other.yaml"
    path.write_text("recipes: {as_written: {learning_rate: 2.0e-3}}\n")
    other = Workflow(kept.folder, *kept.configfiles, path)
    for target in ("keep_record", "restore_record"):
        printed = other.run("--", target, ok=False)
        assert "kept/mini was made with recipes.as_written.learning_rate: " in printed
        assert "and this config has 0.002. Take the config of the record" in printed


def test_without_a_folder_the_error_says_what_to_add(run):
    assert "the config has no `record:`" in run.run("--", "keep_record", ok=False)
