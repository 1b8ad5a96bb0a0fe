"""What jobs ask for, and the plan of the whole experiment, by hand."""

import copy
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sdd.experiment import tree
from sdd.experiment.cells import Cell
from sdd.experiment.experiment import Experiment
from sdd.experiment.needs import Job, JobResources
from sdd.experiment.plan import plan, render
from tests.helpers.experiments import CONTROLS, DEMO, PAPER, merge
from tests.helpers.pilots import scoring_row, training_row

SFT = Cell("xlsr_2b", "post", "sft", 1)
GRPO = Cell("xlsr_2b", "post", "grpo", 1)
RECIPES = ("as_written", "as_released")


@pytest.fixture
def config():
    return copy.deepcopy(PAPER)


@pytest.fixture
def needs(config):
    return JobResources(Experiment(config))


def test_memory_and_time_grow_with_the_attempt_up_to_the_longest():
    job = Job(hours=4.0, memory_gb=10.0)
    assert [job.memory_mb(attempt) for attempt in (1, 2, 3)] == [10_000, 15_000, 20_000]
    assert [job.minutes(attempt, 24) for attempt in (1, 2, 3)] == [720, 1440, 1440]
    assert Job(hours=0.01, memory_gb=1.0).minutes(1, 24) == 60  # starting takes minutes
    assert Job(hours=None, memory_gb=1.0).minutes(1, 24) == 1440  # 3 x 8 where nothing is known


def test_fine_tuning_hours_by_hand(needs, config):
    """As written: 20,000 steps of 90 s, five passes, one validation and one at the end."""
    config["resources"]["gpu_teraflops"]["bf16"] = 100
    sft, grpo = needs.finetuning(SFT, "as_written"), needs.finetuning(GRPO, "as_written")
    a_second = 234.1e9  # operations of XLS-R-2B at 15 s
    audio = 20_000 * 90 * 5 + 2 * 24 * 3600
    assert grpo.hours == pytest.approx(audio * a_second / 100e12 / 3600, rel=1e-3)
    audio = 20_000 * 90 * 3 + 2 * 24 * 3600
    assert sft.hours == pytest.approx(audio * a_second / 100e12 / 3600, rel=1e-3)


def test_fine_tuning_stops_at_the_most_steps(needs, config):
    whole = needs.finetuning(SFT, "as_written").hours
    config["recipes"]["as_written"]["max_steps"] = 10_000
    config["resources"]["audio_hours"]["asv19_dev"] = 0
    assert JobResources(Experiment(config)).finetuning(SFT, "as_written").hours < 0.55 * whole


def test_a_slower_gpu_takes_longer_in_proportion(needs, config):
    fast, other = (needs.scoring("xlsr_2b", ("itw",), kind).hours for kind in ("fp32", "tf32"))
    config["resources"]["gpu_teraflops"]["fp32"] /= 4
    assert needs.scoring("xlsr_2b", ("itw",), "fp32").hours == pytest.approx(4 * fast)
    assert needs.scoring("xlsr_2b", ("itw",), "tf32").hours == other


def test_sets_of_unknown_length_have_unknown_hours(needs, config):
    config["sets"]["mine"] = {"corpus": "itw"}
    assert needs.scoring("xlsr_2b", ("itw", "mine"), "fp32").hours is None
    known = JobResources(Experiment(config), {"mine": 2.0})
    with_mine = known.scoring("xlsr_2b", ("itw", "mine"), "fp32").hours
    assert with_mine > needs.scoring("xlsr_2b", ("itw",), "fp32").hours


def test_durations_of_a_corpus_share_its_audio(needs):
    """50 hours of test audio in five durations, and 50 of training audio."""
    assert needs.preparation("dfe24").kept_gb == pytest.approx(0.07 * 100)
    assert needs.preparation("asv19").kept_gb == pytest.approx(0.07 * 24)  # a part is no more
    assert needs.preparation("dfe24").hours == pytest.approx(100 / 50 / 8)


def test_memory_holds_the_start_and_the_reference(needs):
    """States are mapped, and the policies of a step are on the GPU."""
    assert needs.finetuning(GRPO, "as_written").memory_gb == pytest.approx(6 + 4 + 17.3, abs=0.1)
    assert needs.finetuning(SFT, "as_written").memory_gb == pytest.approx(6 + 4 + 17.3, abs=0.1)
    assert needs.fetching("xlsr_2b").memory_gb > 9.18  # measured (docs/benchmarks.md)


def test_activations_are_computed_again_where_a_step_would_not_fit(needs, config):
    """XLS-R-2B by GRPO in fp32 needs 77.7 GB, in bf16 58.7, and nine tenths of 80 are 72."""

    def of(model, algorithm, recipe, **changes):
        config.update(changes)
        cell = Cell(model, "post", algorithm, 1)
        return JobResources(Experiment(config)).finetuning(cell, recipe)

    def turned_on(model, algorithm, recipe):
        auto = of(model, algorithm, recipe, activation_checkpointing="auto")
        kept = of(model, algorithm, recipe, activation_checkpointing=False)
        again = of(model, algorithm, recipe, activation_checkpointing=True)
        assert auto in (kept, again)
        assert again.gpu_gb < kept.gpu_gb
        assert again.hours > kept.hours
        return auto == again

    rows = {(row["model"], row["algorithm"]) for row in config["rows"]} - {
        (model, "none") for model in config["models"]
    }
    found = {recipe: {row for row in rows if turned_on(*row, recipe)} for recipe in RECIPES}
    # Without negatives, as released, there is no old policy; without a penalty no reference.
    alone = {"grpo", "sft-grpo", "grpo_beta1"}
    assert found == {
        "as_written": set(),
        "as_released": {("xlsr_2b", algorithm) for algorithm in alone},
    }
    config["resources"]["gpu_memory_gb"] = 40
    assert turned_on("xlsr_2b", "sft", "as_written")
    assert not turned_on("mms_1b", "grpo", "as_written")
    assert turned_on("mms_1b", "grpo", "as_released")


def test_intervals_grow_with_the_cells(needs, config):
    """The paper has 54 cells: 17 rows of three rounds, and three rows that are not fine-tuned."""
    assert needs.uncertainty().memory_gb == pytest.approx(4.0)
    config["rounds"] = 6
    job = JobResources(Experiment(config)).uncertainty()
    assert job.memory_gb == pytest.approx(2 + 2 * (51 * 2 + 3) / 54)
    assert job.memory_mb(2) == round(1500 * job.memory_gb)
    assert job.minutes(1, 48) == 60


def test_the_plan_of_the_paper(needs, config, tmp_path):
    lines = plan(Experiment(config), needs, "as_written", tmp_path)
    jobs = {}
    for line in lines:
        kind = line.name.split()[0]
        jobs[kind] = jobs.get(kind, 0) + line.jobs
    assert jobs == {"decode": 6, "fetch": 4, "train": 51, "score": 6 * 54, "measure": 14}
    assert all(line.done == 0 for line in lines)
    kept = sum(line.jobs * line.job.kept_gb for line in lines if line.name.startswith("train"))
    assert kept == pytest.approx(331, abs=1)  # the models of all cells
    text = render(lines, "Plan", {}, needs.speeds)
    assert max(map(len, text.splitlines())) <= 80
    total = next(row for row in text.splitlines() if row.startswith("together"))
    assert total.split()[1] == str(sum(jobs.values()))
    assert float(total.split()[3]) == pytest.approx(
        sum(line.jobs * line.job.hours for line in lines if line.job.gpu_gb), abs=0.1
    )


def make(results, pattern, **names):
    path = tree.path(pattern, results, recipe="as_written", **names)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def counted(needs, config, results):
    lines = plan(Experiment(config), needs, "as_written", results)
    return {line.name: line.done for line in lines if line.done}


def test_what_is_done_is_counted(needs, config, tmp_path):
    """A job is done when all of its outputs are there."""
    make(tmp_path, tree.AUDIO, corpus="dv")
    make(tmp_path, tree.CHECKPOINT, checkpoint="mms_1b/post")
    for number, outputs in ((1, [tree.MODEL, tree.HISTORY]), (2, [tree.MODEL])):
        for pattern in outputs:
            make(tmp_path, pattern, cell=Cell("mms_1b", "post", "sft", number).path)
    # Not in Figure 2: scores are enough. One of five durations is not.
    for name in ("itw", "dfe24_4s"):
        make(tmp_path, tree.SCORES, cell=Cell("mms_1b", "post", "sft", 1).path, set=name)
    # In Figure 2: embeddings belong to the job, and the reference set is scored with validation.
    for name in ("itw", "dv", "asv19_dev", "asv19_dev_fake"):
        make(tmp_path, tree.SCORES, cell=SFT.path, set=name)
    for name in ("itw", "asv19_dev_fake"):
        make(tmp_path, tree.EMBEDDINGS, cell=SFT.path, set=name)
    make(tmp_path, tree.DRIFT, cell=SFT.path)
    make(tmp_path, tree.INTERVALS)
    done = {
        "decode dv": 1,
        "fetch mms_1b/post": 1,
        "train mms_1b post sft": 1,
        "score mms_1b itw": 1,
        "score xlsr_2b itw": 1,
        "score xlsr_2b asv19": 1,
        "measure drift": 1,
    }
    assert counted(needs, config, tmp_path) == done
    make(tmp_path, tree.COMPARISONS)
    assert counted(needs, config, tmp_path) == {**done, "measure uncertainty": 1}


def test_a_model_that_was_deleted_on_purpose_is_done(needs, config, tmp_path):
    make(tmp_path, tree.HISTORY, cell=SFT.path)
    assert counted(needs, config, tmp_path) == {}
    config["keep_models"] = "none"
    assert counted(needs, config, tmp_path) == {"train xlsr_2b post sft": 1}


def test_controls_are_planned(tmp_path):
    """An average needs no GPU, and has no history by which it could be told that it was made."""
    config = merge(PAPER, CONTROLS)
    controls = Experiment(config)
    needs = JobResources(controls)
    half, lora = (Cell("xlsr_2b", "post", name, 1) for name in ("sft-half", "sft_lora"))
    lines = {line.name: line for line in plan(controls, needs, "as_written", tmp_path)}
    line = lines["average xlsr_2b post sft-half"]
    assert (line.jobs, line.done, line.job.computes, line.job.gpu_gb) == (3, 0, False, 0)
    assert line.job.kept_gb == pytest.approx(8.637, abs=0.001)
    sft, small = needs.finetuning(SFT, "as_written"), needs.finetuning(lora, "as_written")
    a_second = 234.1e9 / 250e12  # operations of XLS-R-2B at 15 s, by the speed of bf16
    audio = 20_000 * 90 * 1.99 + 2 * 24 * 3600
    assert small.hours == pytest.approx(audio * a_second / 3600, rel=1e-3)
    assert small.gpu_gb < sft.gpu_gb / 1.9
    assert small.passing_gb == pytest.approx(8.637 + 6 * 4 * 5_902_082 / 1e9, abs=0.001)
    make(tmp_path, tree.EER, cell=half.path)
    assert counted(needs, config, tmp_path) == {}
    config["keep_models"] = "none"
    assert counted(needs, config, tmp_path) == {line.name: 1}
    config["keep_models"] = "best"
    make(tmp_path, tree.MODEL, cell=half.path)
    assert counted(needs, config, tmp_path) == {line.name: 1}


def test_checkpoints_that_are_trained_here_are_planned(tmp_path):
    """Two models start from `post` alone, which starts from `pre`."""
    demo = Experiment(DEMO)
    lines = plan(demo, JobResources(demo), "as_written", tmp_path)
    named = {line.name: line for line in lines if line.name.startswith(("pre-", "post-"))}
    assert set(named) == {f"{kind}-train tiny_{size}" for kind in ("pre", "post") for size in "lms"}
    # 150 steps of 24 s, three passes, at the demo's 0.01 TFLOP/s.
    small, large = (named[f"pre-train tiny_{size}"].job for size in "sl")
    assert 0 < small.hours < large.hours < 1
    for checkpoint in ("tiny_s/pre", "tiny_s/post"):
        make(tmp_path, tree.CHECKPOINT, checkpoint=checkpoint)
    make(tmp_path, tree.CHECKPOINT_HISTORY, checkpoint="tiny_s/pre")
    assert counted(JobResources(demo), DEMO, tmp_path) == {"pre-train tiny_s": 1}


def test_hours_of_post_training_are_those_of_its_own_sets():
    """An epoch of the set of post-training: three passes, and a validation of 0.1 hours."""
    config = merge(DEMO, {"checkpoint_training": {"post": {"epochs": 1}}})

    def hours(**audio_hours):
        more = {"resources": {"audio_hours": audio_hours}}
        return JobResources(Experiment(merge(config, more))).posttraining("tiny_s").hours

    assert hours(toy_post=0.2) == pytest.approx(hours() * (3 * 0.2 + 0.1) / (3 * 0.1 + 0.1))
    assert hours(dfe24_train=0.2) == hours()


def planned(config, *pilot):
    needs = JobResources(Experiment(config), pilot=pilot)
    lines = plan(Experiment(config), needs, "as_written", Path("nowhere"))
    return lines, render(lines, "Plan", {}, needs.speeds)


def job_of(lines, name):
    return next(line.job for line in lines if line.name == name)


def test_hours_are_those_of_the_pilot(config):
    """Audio over the speed that was measured: 250 s a second by GRPO, 200 on In-the-Wild."""
    config["resources"]["audio_hours"]["asv19_dev"] = 0
    lines, text = planned(config, training_row(), scoring_row("itw"))
    train = job_of(lines, "train xlsr_2b post grpo")
    assert train.basis == "measured"
    assert train.hours == pytest.approx(20_000 * 90 / 250 / 3600)
    # Three passes of five: SFT was not piloted.
    sft = job_of(lines, "train xlsr_2b post sft")
    assert sft.basis == "scaled"
    assert sft.hours == pytest.approx(20_000 * 90 / 250 / 3600 * 3 / 5)
    assert job_of(lines, "score xlsr_2b itw").hours == pytest.approx(38 / 200)
    assert job_of(lines, "score xlsr_2b itw").basis == "measured"
    assert job_of(lines, "score xlsr_2b add23").basis == "scaled"
    assert job_of(lines, "train mms_1b post grpo").basis == "arithmetic"
    rows = {row[:31].rstrip(): row for row in text.splitlines()}
    assert rows["train xlsr_2b post grpo"].endswith(" m")
    assert rows["train xlsr_2b post sft"].endswith(" s")
    assert rows["score mms_1b itw"].endswith(" a")
    assert rows["decode itw"][-2] != " "
    assert "Speeds of the pilot on: NVIDIA H100." in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_validation_is_a_pass_at_the_pace_of_training(config):
    lines, _ = planned(config, training_row())
    steps, validations = 20_000 * 90 / 250 / 3600, 2 * 24 / 250 / 5
    assert job_of(lines, "train xlsr_2b post grpo").hours == pytest.approx(steps + validations)


def test_jobs_ask_for_what_the_pilot_says(config):
    slow = JobResources(Experiment(config), pilot=[training_row(seconds=180.0)])
    assert slow.finetuning(GRPO, "as_written").minutes(1, 100) == pytest.approx(
        60 * 3 * (20_000 * 90 / 25 + 2 * 24 * 3600 / 125) / 3600, abs=1
    )


def test_without_a_pilot_nothing_is_marked(config):
    _, text = planned(config)
    assert "arithmetic from assumed speeds" in text
    assert "`device: auto` is taken for a GPU." in text
    assert not re.search(r" [msa]$", text, re.M)


def test_hours_of_a_cpu_are_no_gpu_hours(config):
    """Without a GPU a step lies in main memory, in fp32, and takes as long as cores take."""
    config |= {"device": "cpu", "threads": {"prepare": 8, "train": 10, "score": 10}}
    lines, text = planned(config)
    assert " CPU h " in text
    assert "GPU h" not in text
    assert "GPU." not in text
    job = job_of(lines, "train xlsr_2b post grpo")
    assert job.gpu_gb == 0
    assert job.memory_gb == pytest.approx(6 + 4 + 17.3 + 77.4, abs=0.1)
    audio = 20_000 * 90 * 5 + 2 * 24 * 3600
    assert job.hours == pytest.approx(audio * 234.1e9 / 0.1e12 / 3600, rel=1e-3)
    # However many hours, columns stay apart.
    rows = {row[:31].rstrip(): row[31:].split() for row in text.splitlines()}
    assert rows["train xlsr_2b post grpo"][2] == f"{job.hours:.0f}"
    assert max(map(len, text.splitlines())) <= 80
    total = next(row for row in text.splitlines() if row.startswith("together"))
    assert float(total.split()[3]) == pytest.approx(
        sum(li.jobs * li.job.hours for li in lines if li.job.computes), rel=1e-3
    )


def test_a_pilot_asks_for_what_its_cell_asks_for_but_minutes(needs, config):
    cell = needs.finetuning(GRPO, "as_written")
    pilot = needs.piloted_training(GRPO, "as_written")
    assert (pilot.memory_gb, pilot.gpu_gb) == (cell.memory_gb, cell.gpu_gb)
    assert pilot.hours == pytest.approx(3 / 60)
    # An hour of each of nine sets at most.
    nine = JobResources(Experiment(config), dict.fromkeys(Experiment(config).test_sets, 1.0))
    scoring = nine.scoring("xlsr_2b", tuple(Experiment(config).test_sets), "tf32")
    assert needs.piloted_scoring("xlsr_2b", "tf32") == scoring


def test_planning_does_not_import_torch():
    code = (
        "import sys, sdd.experiment.plan; "
        "sys.exit('torch' in sys.modules or 'pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
