"""What a wheel holds and asks for, and that it is enough; `make test-wheel` installs one."""

import re
import subprocess
import sys
import tomllib
import zipfile
from collections import deque
from email import message_from_string
from importlib import import_module

import pytest
from packaging.requirements import Requirement

from sdd.runtime.run_time_imports import Library
from tests.helpers.faces import FACES, seen_by_type_checkers
from tests.helpers.paths import CHECKOUT

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LIBRARY = Library(CHECKOUT / "src/sdd")
# Where it is not the library's own name.
IMPORTED_AS = {"pyyaml": "yaml"}
CORE = {
    IMPORTED_AS.get(name, name.replace("-", "_"))
    for name in (Requirement(line).name for line in PROJECT["dependencies"])
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of this checkout, built by the installed back end: no package index is asked."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    (path,) = folder.iterdir()
    assert path.name == f"sdd_grpo-{PROJECT['version']}-py3-none-any.whl"
    with zipfile.ZipFile(path) as archive:
        yield archive


def test_it_holds_the_library_and_nothing_else(wheel):
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    sources = CHECKOUT / "src/sdd"
    expected = {path.relative_to(CHECKOUT / "src") for path in sources.rglob("*.py")}
    assert names == {str(path) for path in expected} | {"sdd/py.typed"}


def metadata(wheel, name):
    (path,) = (one for one in wheel.namelist() if one.endswith(f".dist-info/{name}"))
    return wheel.read(path).decode()


def test_it_asks_for_the_core_alone(wheel):
    said = message_from_string(metadata(wheel, "METADATA"))
    requirements = [Requirement(line) for line in said.get_all("Requires-Dist")]
    plain = {one.name for one in requirements if one.marker is None}
    assert plain == {Requirement(line).name for line in PROJECT["dependencies"]}
    assert not plain & {"snakemake", "matplotlib", "torchaudio", "rich", "pot"}
    assert set(said.get_all("Provides-Extra")) == {"figures", "workflow"}
    of_workflow = {
        one.name
        for one in requirements
        if one.marker and one.marker.evaluate({"extra": "workflow"})
    }
    assert {"snakemake", "matplotlib", "torchaudio"} <= of_workflow
    assert said["Version"] == PROJECT["version"]
    assert said["License-Expression"] == "BSD-3-Clause"
    assert metadata(wheel, "entry_points.txt") == "[console_scripts]\nsdd = sdd.cli:main\n"
    assert metadata(wheel, "licenses/LICENSE") == (CHECKOUT / "LICENSE").read_text()


def reached(modules):
    """Files of the library that modules may run, functions that are never called included."""
    files = {LIBRARY.file(name) for name in modules}
    pending = deque(files)
    while pending:
        for other in LIBRARY.imports(pending.popleft()):
            if other not in files:
                files.add(other)
                pending.append(other)
    return files


def foreign_imports(files):
    """(library, module of ours) of every import of what is neither ours nor Python's."""
    for file in files:
        for imported in file.facts.imports:
            library = (imported.base or imported.name).split(".")[0]
            if library != "sdd" and library not in sys.stdlib_module_names:
                yield library, file.module


def test_commands_need_the_core_alone_but_for_pictures():
    files = reached(["sdd.cli"])
    assert len(files) > 80
    found = set(foreign_imports(files))
    assert {"torch", "soundfile", "av", "pyarrow"} <= {library for library, _ in found}
    others = {(library, module) for library, module in found if library not in CORE}
    assert {library for library, _ in others} == {"matplotlib"}
    assert all(module.startswith("sdd.presentation.figures.") for _, module in others)


@pytest.mark.parametrize("name", FACES)
def test_what_packages_hand_out_needs_the_core_alone(name):
    homes = set(seen_by_type_checkers(import_module(name)).values())
    found = set(foreign_imports(reached(homes)))
    others = {(library, module) for library, module in found if library not in CORE}
    # Two of the distances are POT's; the others, such as the default, do without.
    assert others <= {("ot", "sdd.metrics.drift")}


def test_nothing_is_looked_up_in_a_checkout():
    """The workflow alone has one: the commands' facts are in their modules."""
    lookups = {
        file.module
        for name in LIBRARY.modules()
        if (file := LIBRARY.file(name)) and re.search(r"__file__|importlib.resources", file.text)
    }
    # Of sources themselves: whether they changed.
    assert lookups == {"sdd.runtime.code_digest", "sdd.runtime.source_files"}


def test_the_version_is_the_newest_of_the_changelog():
    log = (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## ([\d.]+) - \d{4}-\d\d-\d\d$", log, re.MULTILINE)
    assert versions[0] == PROJECT["version"]
