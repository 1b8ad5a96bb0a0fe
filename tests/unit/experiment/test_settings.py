"""What single jobs depend on: slices of the config, and nothing else of it."""

import json

from sdd.experiment.cells import Cell
from sdd.experiment.settings import (
    averaging,
    certificate_options,
    clusters,
    drift,
    finetuning,
    posttraining,
    pretraining,
    reader,
    scoring,
    seed,
    uncertainty,
)
from tests.helpers.experiments import DEMO, PAPER, experiment


def test_seeds_differ_by_round_unless_the_recipe_says_same():
    cells = [Cell("mms_1b", "post", "sft", number) for number in (1, 2, 3)]
    paper = experiment("recipes: {as_released: {round_seeds: same}}")
    assert [seed(paper, cell, "as_written") for cell in cells] == [1234, 101237, 201240]
    assert [seed(paper, cell, "as_released") for cell in cells] == [1234, 1234, 1234]
    assert seed(experiment("seed: 7"), cells[1], "as_written") == 100010


def of_training(recipe):
    """A recipe less the switches that training does not look at."""
    others = ("scoring_precision", "encode_mp3_again")
    return {name: value for name, value in recipe.items() if name not in others}


def test_finetuning_settings_are_a_slice_of_the_config():
    paper = experiment()
    settings = finetuning(paper, Cell("mms_1b", "post", "sft-grpo_s", 2), "as_released")
    assert settings == {
        "architecture": "mms_1b",
        "objective": PAPER["objectives"]["grpo_s"],
        "recipe": of_training(PAPER["recipes"]["as_released"]),
        "seed": 101237,
        "checkpoint_is_reference": False,
        "new_back_end": False,
    }
    assert finetuning(paper, Cell("xlsr_2b", "pre", "sft", 1), "as_written")["new_back_end"]
    assert finetuning(paper, Cell("xlsr_2b", "pre", "grpo", 1), "as_written")["new_back_end"]
    # The second stage goes on with the back end of the first.
    second = finetuning(paper, Cell("xlsr_2b", "pre", "sft-grpo", 1), "as_written")
    assert not second["new_back_end"]


CONTROLS = """
objectives:
  half: {kind: average, weight: 0.3}
  lora: {kind: sft, trainable: {lora: {rank: 4, alpha: 8, modules: [q_proj]}}}
  grpo_batch:
    {kind: grpo, group_size: 64, beta: 0.04, epsilon: 0.2, std_floor: 1.0e-5, on_policy: false,
     negatives: true, kl: k3, rollouts: sampled,
     switches: {advantage: batch, reference: post_trained}}
algorithms: {sft-half: [sft, half], lora: [lora], sft-batch: [sft, grpo_batch], batch: [grpo_batch]}
"""


def test_an_objective_has_switches_of_its_own_for_its_stage_alone():
    controls, cell = experiment(CONTROLS), Cell("xlsr_2b", "post", "sft-batch", 1)
    found, plain = (
        finetuning(controls, Cell("xlsr_2b", "post", algorithm, 1), "as_written")
        for algorithm in ("sft-batch", "sft-grpo")
    )
    assert found["recipe"] == {
        **plain["recipe"],
        "advantage": "batch",
        "reference": "post_trained",
    }
    assert plain["recipe"] == of_training(PAPER["recipes"]["as_written"])
    assert found["objective"] == PAPER["objectives"]["grpo"]  # what it says of the recipe is there
    assert found["checkpoint_is_reference"]
    assert not plain["checkpoint_is_reference"]
    before = finetuning(controls, controls.cell_before(cell), "as_written")
    assert before == finetuning(experiment(), Cell("xlsr_2b", "post", "sft", 1), "as_written")


def test_what_is_trained_reaches_the_job():
    settings = finetuning(experiment(CONTROLS), Cell("xlsr_2b", "post", "lora", 1), "as_written")
    assert settings["objective"]["trainable"]["lora"]["modules"] == ["q_proj"]


def test_averaging_settings():
    """The start is that of the stage before: for a pre-trained model with its new back end."""
    controls = experiment(CONTROLS)
    for init in ("post", "pre"):
        assert averaging(controls, Cell("xlsr_2b", init, "sft-half", 2), "as_written") == {
            "architecture": "xlsr_2b",
            "weight": 0.3,
            "seed": 101237,
            "new_back_end": init == "pre",
        }


def test_finetuning_depends_on_nothing_else():
    """What is no setting of a cell's training may change without training it again."""
    cell = Cell("xlsr_2b", "post", "grpo", 1)
    before = finetuning(experiment(), cell, "as_written")
    for change in (
        "leave_out: [dv]",
        "scoring: {batch_seconds: 1.0}",
        "objectives: {sft: {kind: sft}, grpo_s: {beta: 1.0}}",
        "recipes: {as_released: {rawboost: 0}}",
        "recipes: {as_written: {scoring_precision: bf16}}",
        # Another segment table is an input of the job.
        "recipes: {as_written: {encode_mp3_again: true}}",
        "rounds: 9",
        "title: other",
    ):
        assert finetuning(experiment(change), cell, "as_written") == before
    for change in ("objectives: {grpo: {beta: 1.0}}", "recipes: {as_written: {rawboost: 0}}"):
        assert finetuning(experiment(change), cell, "as_written") != before


def test_scoring_settings():
    paper = experiment()
    cell = Cell("mms_300m", "post", "sft", 1)
    assert scoring(paper, cell, "as_written") == {
        "architecture": "mms_300m",
        "skip_suffixes": [],
        "batch_seconds": "auto",
        "precision": "tf32",
    }
    assert scoring(paper, cell, "as_released")["precision"] == "fp32"
    for value in ("fp32", "bf16"):
        other = experiment(f"recipes: {{as_written: {{scoring_precision: {value}}}}}")
        assert scoring(other, cell, "as_written")["precision"] == value
    assert scoring(paper, cell, "as_released")["skip_suffixes"] == [".m4a", ".mp4", ".dat"]


def test_settings_of_checkpoints_that_are_trained():
    demo = experiment(base=DEMO)
    own_set = experiment("checkpoint_training: {pre: {training_set: for}}", DEMO)
    assert pretraining(own_set, "tiny_s") == pretraining(demo, "tiny_s")
    assert pretraining(demo, "tiny_s")["steps"] == DEMO["checkpoint_training"]["pre"]["steps"]
    assert pretraining(demo, "tiny_s")["architecture"] == demo.architecture("tiny_s")
    post = posttraining(demo, "tiny_s")
    assert post["recipe"] == of_training(DEMO["checkpoint_training"]["post"])
    assert post["objective"] == {"kind": "sft"}
    assert post["new_back_end"]


def test_certificate_options():
    paper, demo = experiment(), experiment(base=DEMO)
    spec = paper.checkpoint("mms_1b", "post")
    assert certificate_options(paper, "mms_1b/post", "made.safetensors") == [
        spec["source"],
        *("--architecture", "mms_1b"),
        *("--downloads", "downloads", "--ours", "made.safetensors"),
    ]
    options = certificate_options(paper, "xlsr_2b/pre", "made.safetensors")
    assert options[:4] == [
        paper.checkpoint("xlsr_2b", "pre")["source"],
        "--architecture",
        "xlsr_2b",
        "--encoder-only",
    ]
    # Trained here: held against itself; its architecture is a mapping.
    made, flag, architecture, *rest = certificate_options(demo, "tiny_s/post", "made.safetensors")
    assert (made, flag, rest) == ("made.safetensors", "--architecture", [])
    assert json.loads(architecture) == demo.architecture("tiny_s")
    with_digest = "{models: {mms_1b: {checkpoints: {post: {digest: 'md5:0'}}}}}"
    options = certificate_options(experiment(with_digest), "mms_1b/post", "made.safetensors")
    assert options[options.index("--digest") + 1] == "md5:0"


def test_what_is_drawn_reaches_intervals_and_drift_but_no_reader():
    paper = experiment("corpora: {itw: {clusters: recording}}")
    voices = {"pattern": "(.+?)-(?:original|to-)", "drawn": "original voices"}
    assert (clusters(paper, "dv"), clusters(paper, "itw"), clusters(paper, "for")) == (
        voices,
        "recording",
        "auto",
    )
    assert uncertainty(paper, "as_written")["clusters"]["dv"] == voices
    measured = drift(paper)
    assert measured["clusters"]["asv19"] == "auto"
    assert measured["corpora"]["asv19_dev_fake"] == "asv19"
    # A corpus is not read anew where it is drawn otherwise.
    assert reader(paper, "itw") == reader(experiment(), "itw")
    assert "asv19_dev_fake" not in drift(experiment("leave_out: [asv19]"))["corpora"]
