"""A wheel in an empty environment, with the versions of the lock."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers.paths import CHECKOUT

# Runs in every process of the environment, decoding ones too: what Python opens is written down.
SITE = """
import os, sys

_log = os.open(os.environ["OPENED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
_events = {"open", "os.listdir", "os.scandir", "ctypes.dlopen", "subprocess.Popen"}


def _note(event, arguments):
    if event in _events and isinstance(arguments[0], (str, os.PathLike)):
        os.write(_log, (os.path.abspath(os.fspath(arguments[0])) + "\\n").encode())


sys.addaudithook(_note)
"""


def pytest_collection_modifyitems(items):
    for item in items:
        if CHECKOUT / "tests/wheel" in item.path.parents:
            item.add_marker("wheel")


def uv(*arguments):
    """Run uv; its errors are those of the test."""
    command = ["uv", *map(str, arguments)]
    return subprocess.run(
        command, cwd=CHECKOUT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


@dataclass(frozen=True)
class Installed:
    """An environment of which nothing but a wheel and what it asks for is known."""

    folder: Path
    wheel: Path
    constraints: Path

    def install(self, *what):
        uv("pip", "install", "--quiet", "--python", self.folder, "--constraint", self.constraints,
           *what)  # fmt: skip

    def run(self, *command, cwd, status=0):
        """Run a program of the environment, which sees nothing of the checkout's."""
        inherited = ("HOME", "LANG", "LC_ALL", "TMPDIR")
        environment = {name: os.environ[name] for name in inherited if name in os.environ}
        environment |= {
            "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
            "PYTHONPATH": str(self.folder / "noted"),
            "OPENED": str(self.opened),
        }
        program = self.folder / "bin" / command[0]
        done = subprocess.run(
            [str(program), *map(str, command[1:])],
            env=environment, cwd=cwd, check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        return done

    @property
    def opened(self):
        return self.folder / "opened.txt"


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The wheel in an environment that is removed afterwards: it is large."""
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "--quiet", "--out-dir", folder / "dist", CHECKOUT)
    (wheel,) = (folder / "dist").glob("*.whl")
    constraints = folder / "constraints.txt"
    options = ("--frozen", "--all-extras", "--no-dev", "--no-emit-project", "--no-hashes")
    constraints.write_text(uv("export", "--quiet", *options))
    environment = Installed(folder / "environment", wheel, constraints)
    uv("venv", "--quiet", "--python", sys.executable, environment.folder)
    environment.install(wheel)
    (environment.folder / "noted").mkdir()
    (environment.folder / "noted/sitecustomize.py").write_text(SITE)
    yield environment
    shutil.rmtree(environment.folder)
