"""What jobs ask for, and the plan of the whole experiment, by hand."""

import copy
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from sdd.experiment.experiment import Cell, Experiment
from sdd.experiment.needs import Job, JobResources
from sdd.experiment.plan import measured_audio_hours, plan, render
from tests.helpers.paths import CHECKOUT

PAPER = yaml.safe_load((CHECKOUT / "config.yaml").read_text())
SFT = Cell("xlsr_2b", "post", "sft", 1)
GRPO = Cell("xlsr_2b", "post", "grpo", 1)


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
    fast = needs.scoring("xlsr_2b", ("itw",)).hours
    config["resources"]["gpu_teraflops"]["fp32"] /= 4
    assert needs.scoring("xlsr_2b", ("itw",)).hours == pytest.approx(4 * fast)


def test_sets_of_unknown_length_have_unknown_hours(needs, config):
    config["sets"]["mine"] = {"corpus": "itw"}
    assert needs.scoring("xlsr_2b", ("itw", "mine")).hours is None
    known = JobResources(Experiment(config), {"mine": 2.0}).scoring("xlsr_2b", ("itw", "mine"))
    assert known.hours > needs.scoring("xlsr_2b", ("itw",)).hours


def test_durations_of_a_corpus_share_its_audio(needs):
    """50 hours of test audio in five durations, and 50 of training audio."""
    assert needs.preparation("dfe24").kept_gb == pytest.approx(0.07 * 100)
    assert needs.preparation("asv19").kept_gb == pytest.approx(0.07 * 24)  # a part is no more
    assert needs.preparation("dfe24").hours == pytest.approx(100 / 50 / 8)


def test_memory_holds_a_state_and_the_weights(needs):
    assert needs.finetuning(GRPO, "as_written").memory_gb == pytest.approx(6 + 4 + 43.2, abs=0.1)
    assert needs.finetuning(SFT, "as_written").memory_gb == pytest.approx(6 + 4 + 34.5, abs=0.1)
    assert needs.fetching("xlsr_2b").memory_gb > 9.18  # measured (docs/benchmarks.md)


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
    assert jobs == {"decode": 6, "fetch": 4, "train": 51, "score": 5 * 54 + 13, "measure": 13}
    assert all(line.done == 0 for line in lines)
    kept = sum(line.jobs * line.job.kept_gb for line in lines if line.name.startswith("train"))
    assert kept == pytest.approx(331, abs=1)  # the models of all cells
    text = render(lines, "Plan", {})
    assert max(map(len, text.splitlines())) <= 80
    total = next(row for row in text.splitlines() if row.startswith("together"))
    assert total.split()[1] == str(sum(jobs.values()))
    assert float(total.split()[3]) == pytest.approx(
        sum(line.jobs * line.job.hours for line in lines if line.job.gpu_gb), abs=0.1
    )


def test_what_is_done_is_counted(needs, config, tmp_path):
    folder = tmp_path / "as_written" / SFT.path
    (folder / "scores").mkdir(parents=True)
    (folder / "model.safetensors").touch()
    (folder / "scores/itw.parquet").touch()
    (folder / "scores/dfe24_4s.parquet").touch()  # one of five
    lines = plan(Experiment(config), needs, "as_written", tmp_path)
    done = {line.name: line.done for line in lines if line.done}
    assert done == {"train xlsr_2b post sft": 1, "score xlsr_2b itw": 1}


def test_sets_that_are_cut_are_measured(tmp_path):
    (tmp_path / "segments").mkdir()
    table = pa.table({"start": np.array([0, 16_000]), "end": np.array([16_000, 16_000 * 7200])})
    pq.write_table(table, tmp_path / "segments/itw.parquet")
    assert measured_audio_hours(tmp_path, ["itw", "dv"]) == {"itw": pytest.approx(2.0)}


def test_planning_does_not_import_torch():
    code = (
        "import sys, sdd.experiment.plan; "
        "sys.exit('torch' in sys.modules or 'pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
