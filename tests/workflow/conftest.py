"""Runs of the real workflow, each in a copy of the checkout."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PARTS = (
    "Snakefile",
    "config.yaml",
    "demo",
    "envs",
    "profiles",
    "resources",
    "slurm",
    "src",
    "workflow",
)


def copy_checkout(target):
    """Copy what the workflow consists of, so that a test may change it."""
    target.mkdir(parents=True, exist_ok=True)
    for name in PARTS:
        source = CHECKOUT / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, target / name, dirs_exist_ok=True, ignore=ignore)
        else:
            shutil.copy(source, target / name)
    return target


class Workflow:
    """Snakemake in a copy of the checkout."""

    def __init__(self, folder, *configfiles):
        self.folder = folder
        self.configfiles = configfiles

    def run(self, *arguments, ok=True):
        """Run Snakemake; give what it printed."""
        command = [sys.executable, "-m", "snakemake", "--cores", "2"]
        if self.configfiles:
            command += ["--configfile", *map(str, self.configfiles)]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [*command, *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        output = done.stdout + done.stderr
        assert (done.returncode == 0) == ok, output[-4000:]
        return output

    def plan(self, *targets):
        """Give the number of jobs of each rule that Snakemake would run."""
        output = self.run("--dry-run", "--", *targets)
        if "Nothing to be done" in output:
            return {}
        table = output.split("Job stats:")[1].split("total")[0]
        return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, re.M)}


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    """An unchanged copy, for dry runs."""
    return copy_checkout(tmp_path_factory.mktemp("checkout"))
