"""Scripts that run real fairseq, each by `uv run --script` in the environment it asks for."""

import os
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
CERTIFY = CHECKOUT / "workflow/scripts/certify_checkpoint.py"

# The same arithmetic on every processor: with AVX-512 fairseq's own numbers differ by more than the
# bounds from those of the golden files.
os.environ |= {
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
}


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
