"""Install the locked environment with all extras, saying first how much that is.

`uv run --no-project envs/install.py UV`; needs nothing but Python's standard library. The sizes of
what is downloaded are those of uv.lock.
"""

import ast
import operator
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

UNPACKED = 2.1
"""Bytes in .venv, byte code included, of a byte downloaded: 6.9 GB of 3.3 were measured."""
GB = 1e9
COMPARISONS = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
Values = Mapping[str, str]
Package = Mapping[str, Any]


def this_machine() -> dict[str, str]:
    """Return what markers of packages may ask."""
    return {
        "implementation_name": sys.implementation.name,
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_system": platform.system(),
        "python_full_version": platform.python_version(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
    }


def holds(marker: str, values: Values) -> bool:
    """Tell whether a marker holds, such as ``python_full_version < '3.12' and os_name == 'nt'``."""
    return _holds(ast.parse(marker, mode="eval").body, values)


def _holds(node: ast.expr, values: Values) -> bool:
    if isinstance(node, ast.BoolOp):
        parts = [_holds(part, values) for part in node.values]
        return all(parts) if isinstance(node.op, ast.And) else any(parts)
    assert isinstance(node, ast.Compare)
    assert isinstance(node.left, ast.Name)
    (right,) = node.comparators
    assert isinstance(right, ast.Constant)
    is_version = node.left.id.startswith("python_") or node.left.id.endswith("_version")
    mine, other = values[node.left.id], str(right.value)
    if other.endswith(".*"):
        mine, other = ".".join(mine.split(".")[: other.count(".")]), other.removesuffix(".*")
    pair = (_numbers(mine), _numbers(other)) if is_version else (mine, other)
    return bool(COMPARISONS[type(node.ops[0])](*pair))


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def needed_packages(lock: Mapping[str, Any], project: str, values: Values) -> list[Package]:
    """List the packages of a lock that a project, all extras and its development need."""
    packages = lock["package"]
    extras = next(one for one in packages if one["name"] == project).get(
        "optional-dependencies", {}
    )
    todo: list[tuple[str, str | None, tuple[str, ...]]] = [(project, None, tuple(extras))]
    found: dict[tuple[str, str | None], Package] = {}
    seen: set[tuple[str, str | None, tuple[str, ...]]] = set()
    while todo:
        asked = todo.pop()
        if asked in seen:
            continue
        seen.add(asked)
        name, version, extras = asked
        package = next(
            one for one in packages if one["name"] == name and version in (None, one.get("version"))
        )
        found[name, package.get("version")] = package
        for dependency in _dependencies(package, extras):
            if "marker" not in dependency or holds(dependency["marker"], values):
                more = tuple(dependency.get("extra", ()))
                todo.append((dependency["name"], dependency.get("version"), more))
    return [package for (name, _), package in found.items() if name != project]


def _dependencies(package: Package, extras: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    yield from package.get("dependencies", ())
    # Other groups, such as the engines of the study, are not installed by default.
    yield from package.get("dev-dependencies", {}).get("dev", ())
    for extra in extras:
        yield from package.get("optional-dependencies", {}).get(extra, ())


def download_bytes(package: Package, values: Values) -> int:
    """Return the size of a package's file for a machine: its wheel's, else its source's."""
    wheels = [wheel for wheel in package.get("wheels", ()) if _fits(wheel["url"], values)]
    sizes = [wheel.get("size", 0) for wheel in wheels] or [package.get("sdist", {}).get("size", 0)]
    return max(sizes)


def _fits(url: str, values: Values) -> bool:
    """Tell whether a wheel's name is one for this Python, and for this machine under Linux."""
    python, abi, machine = url.rsplit("/", 1)[1].removesuffix(".whl").rsplit("-", 3)[1:]
    mine = "cp" + values["python_version"].replace(".", "")
    runs = (
        python.startswith("py")
        or (python == mine and abi in (mine, "abi3", "none"))
        or (abi == "abi3" and _numbers(python[3:]) <= _numbers(mine[3:]))
    )
    here = "manylinux" in machine and values["platform_machine"] in machine
    return runs and (machine == "any" or here)


def check_disk(folder: Path, needed: float, free: float, *, first: bool) -> str:
    """Say that the disk is too small, if it is.

    Parameters
    ----------
    first
        Whether nothing of it can be in uv's cache, so that it cannot succeed.
    """
    if free >= needed:
        return ""
    text = (
        f"Disk: {needed / GB:.1f} GB will be written to {folder}, where {free / GB:.1f} GB are "
        "free. Make room, or clone to a larger disk."
    )
    if first:
        sys.exit(text)
    return text


def install(uv: str, sizes: Mapping[str, int]) -> int:
    """Run uv; show what it says but its lists of packages, and on a terminal how far it is."""
    command = [uv, "sync", "--frozen", "--all-extras", "--compile-bytecode"]
    done, everything = 0, sum(sizes.values())
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if match := re.match(r"\s*Downloaded (\S+)", line):
                done += sizes.get(match[1].lower(), 0)
                if sys.stderr.isatty():
                    sys.stderr.write(f"\r{done / GB:.1f} of {everything / GB:.1f} GB downloaded ")
            elif not re.match(r"\s*([-+~] |Downloading |Building |Built )", line):
                sys.stderr.write(("\r" if sys.stderr.isatty() else "") + line)
            sys.stderr.flush()
    return process.returncode


def main() -> int:
    """Say how much it is, and install it."""
    uv, root, values = sys.argv[1], Path(__file__).parents[1], this_machine()
    lock = tomllib.loads((root / "uv.lock").read_text(encoding="utf-8"))
    packages = needed_packages(lock, "sdd-grpo", values)
    sizes = {package["name"]: download_bytes(package, values) for package in packages}
    total = sum(sizes.values())
    sys.stderr.write(
        f"Installing {len(packages)} packages into .venv: {total / GB:.1f} GB to download, less "
        f"what uv has in its cache; about {UNPACKED * total / GB:.1f} GB on the disk.\n"
    )
    cache = subprocess.run([uv, "cache", "dir"], capture_output=True, text=True).stdout.strip()
    first = not any(Path(cache).glob("archive-*")) and not (root / ".venv").exists()
    free = shutil.disk_usage(root).free
    if said := check_disk(root, UNPACKED * total, free, first=first):
        sys.stderr.write(said + "\n")
    return install(uv, sizes)


if __name__ == "__main__":
    sys.exit(main())
