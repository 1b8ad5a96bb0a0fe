"""Copies of the checkout that the workflow runs in."""

import shutil
from pathlib import Path

from tests.helpers.paths import CHECKOUT

PARTS = (
    "Snakefile",
    "config.yaml",
    "controls.yaml",
    "demo",
    "envs",
    "profiles",
    "resources",
    "slurm",
    "src",
    "study",
    "workflow",
)


def copy_checkout(target: Path) -> Path:
    """Copy what the workflow consists of, so that a test may change it."""
    target.mkdir(parents=True, exist_ok=True)
    for name in PARTS:
        source = CHECKOUT / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__", "record")  # of the study
            shutil.copytree(source, target / name, dirs_exist_ok=True, ignore=ignore)
        else:
            shutil.copy(source, target / name)
    return target
