"""What will not fit: one line each, an error where it is impossible."""

from pathlib import Path

import pytest

from sdd.experiment.fitting import SMALL_FILES_GB, Room, find_shortages
from sdd.experiment.needs import Job, JobResources
from sdd.experiment.plan import Line, plan
from tests.helpers.experiments import DEMO, experiment

TRAIN = Job(1.0, 8.0, passing_gb=5.0, kept_gb=2.0, computes=True, loaded_gb=3.0)
DECODE = Job(1.0, 5.5, kept_gb=1.0)
LINES = [Line("decode itw", DECODE, 1, 0), Line("train tiny post sft", TRAIN, 10, 4)]
AMPLE = {"free_gb": 1000.0, "memory_gb": 64.0, "cores": 8, "given_cores": 8}


def shortages(lines=LINES, *, keeps_models=True, threads=8, **room):
    found = find_shortages(
        lines,
        Room(Path("results/demo"), **{**AMPLE, **room}),
        threads={"prepare": 1, "train": threads},
        keeps_models=keeps_models,
    )
    return [(one.impossible, one.text) for one in found]


def test_nothing_is_said_where_all_fits():
    assert shortages() == []


def test_a_disk_that_is_too_small_is_an_error():
    # One corpus, six models, the state of one that trains, and small files.
    needed = 1.0 + 6 * 2.0 + 5.0 + SMALL_FILES_GB
    assert shortages(free_gb=needed) == []
    ((impossible, text),) = shortages(free_gb=needed - 0.2)
    assert impossible
    assert text == (
        "Disk: about 18.2 GB will be written to results/demo, where 18.0 GB are free. Make room, "
        "run from a folder on a larger disk (--directory), or set `keep_models: none`."
    )


def test_without_models_to_keep_one_at_a_time_is_enough():
    needed = 1.0 + 2.0 + 5.0 + SMALL_FILES_GB
    assert shortages(free_gb=needed, keeps_models=False) == []
    ((_, text),) = shortages(free_gb=needed - 0.2, keeps_models=False)
    assert text.endswith("or run from a folder on a larger disk (--directory).")


def test_what_is_done_needs_nothing_more():
    done = [Line("train tiny post sft", TRAIN, 10, 10)]
    assert shortages(done, free_gb=0.0, memory_gb=0.5) == []


def test_memory_below_what_is_set_aside_is_a_warning_and_below_the_weights_an_error():
    ((impossible, text),) = shortages(memory_gb=4.0)
    assert not impossible
    assert text == (
        "Memory: there are 4.0 GB, and up to 8.0 GB are set aside for a job (`train tiny post "
        "sft`), which may be killed. Close other programs, and run one job at a time (--cores 1)."
    )
    ((impossible, text),) = shortages(memory_gb=2.0)
    assert impossible
    assert text == (
        "Memory: `train tiny post sft` loads 3.0 GB, and there are 2.0 GB. Run it on a machine "
        "that has more, or leave it out of the config."
    )


@pytest.mark.parametrize(
    ("cores", "given", "threads", "said"),
    [
        (8, 1, 1, "Cores: 1, so one job runs at a time"),
        (8, 4, 8, "Cores: 4, where jobs ask for up to 8 (`threads: train`)"),
        (2, 8, 8, "Cores: 8 were given, and 2 may be used"),
    ],
)
def test_few_cores_are_slow_and_not_impossible(cores, given, threads, said):
    ((impossible, text),) = shortages(cores=cores, given_cores=given, threads=threads)
    assert not impossible
    assert text.startswith(said)


def test_a_login_node_is_not_judged():
    assert shortages(memory_gb=None, cores=None, given_cores=None) == []


def test_the_demo_on_the_least_of_machines(tmp_path):
    """2 GB of memory and a core are said, and enough; a full disk is not."""
    demo = experiment(base=DEMO)
    lines = plan(demo, JobResources(demo), "as_written", tmp_path)
    least = {"memory_gb": 2.0, "cores": 1, "given_cores": 1}
    said = shortages(lines, threads=1, **least)
    assert [(impossible, text.split(":")[0]) for impossible, text in said] == [
        (False, "Memory"),
        (False, "Cores"),
    ]
    assert shortages(lines, threads=1, **least, free_gb=0.0)[0][0]


def test_the_paper_s_models_do_not_fit_a_laptop(tmp_path):
    paper = experiment()
    lines = plan(paper, JobResources(paper), "as_written", tmp_path)
    said = shortages(lines, free_gb=100.0, memory_gb=8.0)
    assert [impossible for impossible, _ in said] == [True, True]
