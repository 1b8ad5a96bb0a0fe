"""The study made as small as it gets, from Debian's packages and by the real engines."""

import os
from dataclasses import replace

import pytest

from sdd.data.study.packages import OutOfReachError, fetch_packages, read_packages
from tests.helpers.checkouts import copy_checkout
from tests.helpers.paths import CHECKOUT
from tests.helpers.snakemake_runs import snakemake

FILES = ("--configfile", "study/config.yaml", "study/tiny.yaml")


def pytest_collection_modifyitems(items):
    for item in items:
        if CHECKOUT / "tests/study" in item.path.parents:
            item.add_marker("study")


@pytest.fixture(scope="session")
def downloads(tmp_path_factory):
    """The checkout's folder of downloads; skipped where no package can be had."""
    folder = CHECKOUT / "downloads/debian"
    listed = read_packages(CHECKOUT / "study/packages.yaml")
    one = replace(listed, packages=listed.packages[-1:])
    try:
        fetch_packages(one, folder, tmp_path_factory.mktemp("unpacked"))
    except OutOfReachError as error:
        pytest.skip(f"Debian's packages are out of reach: {error}".splitlines()[0])
    return folder


class Study:
    """Targets of the tiny study, in a copy of the checkout."""

    def __init__(self, folder):
        self.folder = folder
        self.results = folder / "results/study_tiny"

    def run(self, *arguments):
        """Run Snakemake; give what it printed."""
        cores = str(os.cpu_count() or 1)
        return snakemake(self.folder, "--cores", cores, *FILES, *arguments)


@pytest.fixture(scope="session")
def study(tmp_path_factory, downloads):
    """The study after its choices, before any test set is scored."""
    folder = copy_checkout(tmp_path_factory.mktemp("study"))
    (folder / "downloads").symlink_to(downloads.parent)
    made = Study(folder)
    made.run("--", "shortcuts")
    made.run("--", "tune")
    return made
