"""Scripts that run real fairseq, each by `uv run --script` in the environment it asks for."""

import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
CERTIFY = CHECKOUT / "workflow/scripts/certify_checkpoint.py"


def pytest_collection_modifyitems(items):
    for item in items:
        if CHECKOUT / "tests/fairseq" in item.path.parents:
            item.add_marker("fairseq")


@pytest.fixture(scope="session")
def certify():
    """Run the certificate's script; give its status, standard output and errors."""

    def run(*arguments):
        command = ["uv", "run", "--quiet", "--script", CERTIFY, *arguments]
        done = subprocess.run(
            list(map(str, command)), capture_output=True, text=True, check=False, timeout=1200
        )
        return done.returncode, done.stdout, done.stderr

    return run
