"""Fetch uv with nothing but Python's standard library: `python3 get_uv.py FOLDER`.

A virtual environment with pip is tried first, since pip knows the site's index and proxies. A bare
Debian lacks ensurepip; there the wheel is taken from the index and its digest checked.
"""

import hashlib
import io
import json
import os
import platform
import stat
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

INDEX = os.environ.get("UV_DEFAULT_INDEX", "https://pypi.org/simple").rstrip("/")
PLATFORM = f"manylinux_2_17_{platform.machine()}"


def by_pip(folder: Path) -> bool:
    """Make a virtual environment with uv in it; say whether that worked."""
    commands = (
        [sys.executable, "-m", "venv", str(folder)],
        [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "uv"],
    )
    return all(subprocess.run(command, capture_output=True).returncode == 0 for command in commands)


def version(file: dict[str, str]) -> list[int]:
    """Read the version in a wheel's name, for comparison: ``uv-0.13.9-...`` is [0, 13, 9]."""
    return [int(number) for number in file["filename"].split("-")[1].split(".")]


def by_wheel(folder: Path) -> None:
    """Unpack the newest uv wheel of the index for this machine."""
    request = urllib.request.Request(
        f"{INDEX}/uv/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
    )
    with urllib.request.urlopen(request) as response:
        files = json.load(response)["files"]
    wheels = [file for file in files if PLATFORM in file["filename"] and not file.get("yanked")]
    if not wheels:
        sys.exit(f"{INDEX} has no uv for {PLATFORM}; install uv yourself and call make again")
    wheel = max(wheels, key=version)
    with urllib.request.urlopen(wheel["url"]) as response:
        content = response.read()
    if hashlib.sha256(content).hexdigest() != wheel["hashes"]["sha256"]:
        sys.exit(f"{wheel['filename']}: wrong digest; call make again")
    target = folder / "bin/uv"
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        name = next(name for name in archive.namelist() if name.endswith("scripts/uv"))
        target.write_bytes(archive.read(name))
    target.chmod(target.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


if __name__ == "__main__":
    if sys.version_info < (3, 11):
        sys.exit(f"Python >= 3.11 is needed; this is {platform.python_version()}")
    destination = Path(sys.argv[1])
    if not by_pip(destination):
        by_wheel(destination)
