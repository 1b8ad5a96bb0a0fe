"""Runs of the real Snakemake in a folder, each in a process of its own.

They are forked from a server that has imported Snakemake once, which costs more than most dry runs.
"""

import multiprocessing
import os
import re
import sys
import tempfile
from pathlib import Path

PROCESSES = multiprocessing.get_context("forkserver")
# Nothing of ours: each folder has its own library.
_IMPORTS = [
    "snakemake.cli",
    "snakemake.dag",
    "snakemake.executors.local",
    "snakemake.script",
    "snakemake.workflow",
]


def _run_snakemake(
    folder: Path, arguments: list[str], environment: dict[str, str], output: Path
) -> None:
    """In the process: what the command `snakemake` does."""
    from snakemake.cli import main

    with output.open("w") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    os.chdir(folder)
    sys.path.insert(0, "")
    sys.argv = ["snakemake", *arguments]
    os.environ.pop("PYTHONPATH", None)
    # Byte code and what is known of sources stay in the folder, and spare later runs the work.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    os.environ.update(environment)
    main(arguments)


def snakemake(folder: Path, *arguments: str, ok: bool = True, **environment: str) -> str:
    """Run Snakemake, which must succeed or must not; return what it printed."""
    PROCESSES.set_forkserver_preload(_IMPORTS)
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "output"
        run = PROCESSES.Process(
            target=_run_snakemake, args=(folder, list(arguments), environment, output)
        )
        run.start()
        run.join()
        printed = output.read_text()
    assert (run.exitcode == 0) == ok, printed[-4000:]
    return printed


def job_counts(printed: str) -> dict[str, int]:
    """Return the number of jobs of each rule that a dry run names."""
    if "Nothing to be done" in printed:
        return {}
    table = printed.split("Job stats:")[1].split("total")[0]
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, re.M)}
