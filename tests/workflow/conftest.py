"""Runs of the real workflow, each in a copy of the checkout."""

import fcntl
import shutil

import pytest
import yaml

from tests.helpers.checkouts import copy_checkout
from tests.helpers.snakemake_runs import job_counts, snakemake

MINI = {
    "name": "mini",
    "data_root": "results/mini/data",
    "toy": {"seed": 1, "scale": 0.3},  # 12 trials a class: fewer than 10 are refused
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
    "compare": [["sft-grpo", "none"]],
}


def pytest_collection_modifyitems(items):
    """Let one of two workers make the run that is shared, and the other wait for it last.

    Each begins with its half of the list.
    """
    sharing = [item for item in items if "whole" in item.fixturenames]
    others = [item for item in items if "whole" not in item.fixturenames]
    half = len(items) // 2
    items[:] = [*sharing[:half], *others, *sharing[half:]]


class Workflow:
    """Snakemake in a copy of the checkout."""

    def __init__(self, folder, *configfiles):
        self.folder = folder
        self.configfiles = configfiles

    def run(self, *arguments, ok=True):
        """Run Snakemake; give what it printed."""
        files = ["--configfile", *map(str, self.configfiles)] if self.configfiles else []
        return snakemake(self.folder, "--cores", "2", *files, *arguments, ok=ok)

    def plan(self, *targets):
        """Give the number of jobs of each rule that Snakemake would run."""
        return job_counts(self.run("--dry-run", "--", *targets))

    def with_config(self, config, path):
        """Give the same folder under one more file of settings, written to a path."""
        path.write_text(config if isinstance(config, str) else yaml.safe_dump(config))
        return Workflow(self.folder, *self.configfiles, path)

    def edit(self, name, old, new):
        """Change a file of the copy."""
        path = self.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    """An unchanged copy, for dry runs."""
    return copy_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def whole(tmp_path_factory, worker_id):
    """The checkout after one complete run, which the workers share; only to be read."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    workflow = Workflow(shared / "whole", "demo/config.yaml", "mini.yaml")
    with (shared / "whole.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        printed = shared / "whole.txt"
        if not printed.exists():
            shutil.rmtree(workflow.folder, ignore_errors=True)  # of a worker that failed
            copy_checkout(workflow.folder)
            (workflow.folder / "mini.yaml").write_text(yaml.safe_dump(MINI))
            printed.write_text(workflow.run("--", "all"))
    workflow.printed = printed.read_text()
    assert "Results to look at:\n  results/mini/as_written/table1.csv" in workflow.printed
    return workflow


@pytest.fixture
def run(whole, tmp_path):
    """A copy of that run, of the test's own."""
    folder = tmp_path / "run"
    shutil.copytree(whole.folder, folder, symlinks=True)
    return Workflow(folder, *whole.configfiles)
