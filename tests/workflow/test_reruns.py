"""What is done again after a change, and what is not."""

import shutil

import numpy as np
import soundfile

from sdd.data.segments import read_segments

CELLS = "results/mini/as_written/tiny_s/post"
OBJECTIVES = "src/sdd/training/objectives.py"


def test_nothing_is_done_twice(run):
    assert run.plan("all") == {}


def test_a_deleted_cell_is_made_again_alone(run):
    shutil.rmtree(run.folder / CELLS / "sft-grpo/round1")
    plan = run.plan(f"{CELLS}/sft-grpo/round1/eer.csv")
    assert plan == {"finetune": 1, "score_toy": 1, "measure_eer": 1}


def test_a_new_corpus_is_scored_alone(run, tmp_path):
    config = (
        "corpora: {mine: {reader: folders, real: results/mini/data/ToyPosttraining/real,"
        " fake: results/mini/data/ToyPosttraining/fake}}\n"
        "sets: {mine: {corpus: mine}}\n"
        "out_of_domain: {sets: [add23, mine]}\n"
    )
    plan = run.with_config(config, tmp_path / "extra.yaml").plan("all")
    scoring = {rule: count for rule, count in plan.items() if rule.startswith("score")}
    assert scoring == {"score_mine": 1, "score_mine_with_embeddings": 2}
    assert "finetune" not in plan
    assert plan["write_protocol"] == plan["prepare_audio"] == plan["cut_segments"] == 1


def test_a_comment_changes_nothing(run):
    run.edit(OBJECTIVES, '"""Return the mean', '"""Give back the mean')
    with (run.folder / OBJECTIVES).open("a") as file:
        file.write("\n# more\n")
    assert run.plan("all") == {}


def test_changed_behaviour_fine_tunes_again(run):
    run.edit(OBJECTIVES, "F.cross_entropy(logits, labels)", "2 * F.mse_loss(logits, logits)")
    plan = run.plan("all")
    assert plan["finetune"] == 2
    assert "prepare_audio" not in plan
    assert "pretrain_encoder" not in plan


def test_a_comment_in_a_script_changes_nothing(run):
    for script in ("prepare_audio", "finetune", "measure_eer"):
        run.edit(f"workflow/scripts/{script}.py", "import Path\n", "import Path  # of files\n")
    assert run.plan("all") == {}


def test_what_cannot_change_a_result_changes_nothing(run):
    for module in ("atomic_files", "job_log", "ownership", "stopping", "worker_processes"):
        run.edit(f"src/sdd/runtime/{module}.py", "\nfrom ", "\nCHANGED = 1\nfrom ")
    assert run.plan("all") == {}


def test_a_changed_switch_fine_tunes_again(run, tmp_path):
    config = "recipes: {as_written: {learning_rate: 3.0e-3}}\n"
    plan = run.with_config(config, tmp_path / "other.yaml").plan("all")
    assert plan["finetune"] == 2
    assert "posttrain_detector" not in plan


def test_what_failed_is_tried_again_though_an_older_output_is_there(run, tmp_path):
    """Snakemake takes a failed job whose older output it kept for done."""
    for name in ("a", "b", "c"):
        soundfile.write(tmp_path / f"{name}.wav", np.linspace(-0.5, 0.5, 8000), 16_000)
    table, good = tmp_path / "mine.csv", "ID,Label,Path\na,real,a.wav\nb,fake,b.wav\n"
    config = (
        f"corpora: {{mine: {{reader: csv, path: {table}}}}}\n"
        "sets: {mine: {corpus: mine}}\n"
        "out_of_domain: {sets: [mine]}\n"
    )
    workflow = run.with_config(config, tmp_path / "extra.yaml")
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


def test_a_changed_decoder_prepares_again_and_ends_there_if_the_audio_is_the_same(run):
    run.edit("src/sdd/data/audio/mp3.py", "_TOLERANCE = 4096", "_TOLERANCE = 4097")
    output = run.run("--", "all")
    assert output.count("Decoding corpus") == 4
    for words in ("Cutting set", "raining", "Fine-tuning", "Scoring", "Rendering"):
        assert words not in output
    assert run.plan("all") == {}


def test_other_audio_of_the_same_length_trains_again(run):
    """Also when the run is interrupted after the segments are cut."""
    heard = "resampler.push(mixed)"
    run.edit("src/sdd/data/audio/preparing.py", heard, "resampler.push(mixed * 0.99)")
    tables = [
        str(path.relative_to(run.folder))
        for path in run.folder.glob("results/mini/segments/*.parquet")
    ]
    run.run("--", *tables)
    plan = run.plan("all")
    assert plan["pretrain_encoder"] == plan["posttrain_detector"] == 1
    assert plan["finetune"] == 2
    # And is as it was once the audio is.
    run.edit("src/sdd/data/audio/preparing.py", "mixed * 0.99", "mixed")
    run.run("--", *tables)
    assert run.plan("all") == {}
