"""The cluster, and an undisturbed run on it that all others are held against."""

import os
import time

import pytest
import yaml
from snakemake.utils import update_config

from tests.helpers.checkouts import copy_checkout
from tests.helpers.paths import CHECKOUT

from .cluster import Run, Watcher, elapsed_seconds, one_node_slurm, submitted

MEASURED = pytest.StashKey[list[str]]()


def pytest_configure(config):
    config.stash[MEASURED] = []


def pytest_terminal_summary(terminalreporter, config):
    for line in config.stash[MEASURED]:
        terminalreporter.write_line(f"slurm: {line}")


@pytest.fixture(scope="session")
def cluster():
    """A Slurm of one node, gone afterwards."""
    if os.geteuid() != 0:
        pytest.skip("a Slurm of one node needs root: run it as root")
    one_node_slurm("up")
    yield
    one_node_slurm("down")


@pytest.fixture
def start(cluster):
    """Start `snakemake --profile slurm` in a folder; what a failed test leaves is ended."""
    runs = []

    def start(folder, *arguments):
        runs.append(Run(folder, *arguments))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.kill()


def lay_over(*files):
    """The config that Snakemake makes of these files."""
    config = {}
    for file in files:
        update_config(config, yaml.safe_load((CHECKOUT / file).read_text()))
    return config


@pytest.fixture(scope="session")
def whole(cluster, tmp_path_factory, pytestconfig):
    """The folder after `snakemake --profile slurm all`, what it printed and what was seen."""
    folder = copy_checkout(tmp_path_factory.mktemp("whole"))
    config = lay_over("config.yaml", "demo/config.yaml", "tests/slurm/experiment.yaml")
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    began = time.monotonic()
    with Watcher() as watcher:
        output = Run(folder, "all").end()
    wall = time.monotonic() - began
    numbers = submitted(output)
    in_jobs, in_scripts = sum(map(elapsed_seconds, numbers)), watcher.script_seconds()
    pytestconfig.stash[MEASURED] += [
        f"{len(numbers)} jobs in {wall:.0f} s",
        f"{in_jobs:.0f} s in jobs, {in_scripts:.0f} s of them in the scripts: "
        f"{100 * (1 - in_scripts / in_jobs):.0f} % is starting Slurm steps and Snakemake",
    ]
    return folder, output, watcher
