"""What test workers start once, and what they make once for all of them."""

import fcntl
import shutil
import sys

import pytest


@pytest.fixture(scope="session", autouse=True)
def server():
    """Start it before anything starts one that knows less; where such tests were collected."""
    if processes := sys.modules.get("tests.helpers.processes"):
        processes.start_server()


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory, worker_id):
    """Return a folder that the first worker to come fills; the others wait, and only read it."""
    base = tmp_path_factory.getbasetemp()
    base = base if worker_id == "master" else base.parent

    def filled(name, fill):
        folder, begun = base / name, base / f"{name}.begun"
        with (base / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                shutil.rmtree(begun, ignore_errors=True)  # of a worker that failed
                fill(begun)
                begun.rename(folder)
        return folder

    return filled
