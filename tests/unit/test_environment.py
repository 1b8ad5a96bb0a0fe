"""The conda form of the environment is the locked one."""

import tomllib
from functools import cache
from itertools import chain

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.helpers.paths import CHECKOUT


def load_toml(name):
    return tomllib.loads((CHECKOUT / name).read_text(encoding="utf-8"))


CONDA = yaml.safe_load((CHECKOUT / "envs/sdd.yaml").read_text(encoding="utf-8"))
PROJECT = load_toml("pyproject.toml")["project"]
PINS = dict(
    pin.split("==")
    for entry in CONDA["dependencies"]
    if isinstance(entry, dict)
    for pin in entry["pip"]
)
PYTHON = next(
    entry.removeprefix("python=")
    for entry in CONDA["dependencies"]
    if isinstance(entry, str) and entry.startswith("python=")
)
EXTRAS = PROJECT["optional-dependencies"]
# What the rules' own processes use: Snakemake runs outside them. An extra may name another one.
REQUIREMENTS = [
    requirement
    for requirement in map(Requirement, chain(PROJECT["dependencies"], *EXTRAS.values()))
    if not requirement.name.startswith("snakemake") and requirement.name != PROJECT["name"]
]


@cache
def locked_versions():
    """Give the versions that the lock has for the environment's Python on Linux."""
    python = {
        "python_version": PYTHON,
        "python_full_version": f"{PYTHON}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
    }
    packages = load_toml("uv.lock")["package"]
    versions = {}
    for package in packages:
        versions.setdefault(package["name"], []).append(package.get("version"))
    (project,) = (package for package in packages if package["name"] == PROJECT["name"])
    chosen = {}
    extras = project["optional-dependencies"]
    for dependency in project["dependencies"] + extras["workflow"]:
        if "marker" in dependency and not Marker(dependency["marker"]).evaluate(python):
            continue
        name = dependency["name"]
        assert name not in chosen
        (version,) = {dependency["version"]} if "version" in dependency else versions[name]
        chosen[name] = version
    return chosen


def test_python_of_the_environment_is_supported():
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(f"{PYTHON}.0")


@pytest.mark.parametrize("name", PINS)
def test_pin_is_the_locked_version(name):
    assert PINS[name] == locked_versions()[name]


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda requirement: requirement.name)
def test_dependency_is_pinned_as_the_project_allows(requirement):
    name = canonicalize_name(requirement.name)
    assert name in PINS
    assert requirement.specifier.contains(PINS[name])


def test_nothing_else_is_pinned():
    assert set(PINS) == {canonicalize_name(requirement.name) for requirement in REQUIREMENTS}
    assert list(PINS) == sorted(PINS)


def test_channels_hold_no_default():
    """The defaults channel is not free for every institution."""
    assert CONDA["channels"] == ["conda-forge", "nodefaults"]


def test_version_of_the_package_is_the_citation_s():
    citation = yaml.safe_load((CHECKOUT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == PROJECT["version"]


def test_the_catalog_of_workflows_is_told_what_is_there():
    usage = yaml.safe_load((CHECKOUT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    rules = "".join(path.read_text() for path in (CHECKOUT / "workflow/rules").glob("*.smk"))
    deployment = usage["software-stack-deployment"]
    assert deployment["conda"] == ("conda:" in rules)
    assert deployment["apptainer"] == ("container:" in rules)
    assert deployment["report"] == usage["report"] == ("report(" in rules)
