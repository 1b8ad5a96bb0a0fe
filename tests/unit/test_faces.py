"""What packages hand out to users: every name is there, and costs only what it needs."""

import importlib
import subprocess
import sys

import pytest

from tests.helpers.faces import FACES, seen_by_type_checkers


@pytest.mark.parametrize("name", FACES)
def test_names_are_those_of_the_modules_that_type_checkers_see(name):
    face = importlib.import_module(name)
    homes = seen_by_type_checkers(face)
    assert sorted(homes) == sorted(face.__all__)
    for public, home in homes.items():
        assert getattr(face, public) is getattr(importlib.import_module(home), public)


@pytest.mark.parametrize("name", FACES)
def test_other_names_are_refused(name):
    face = importlib.import_module(name)
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'nothing'"):
        face.nothing  # noqa: B018


def loaded_by(code):
    """Modules that a fresh process has loaded after it ran the code."""
    code += "\nimport sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_a_module_loads_nothing_of_its_package():
    loaded = loaded_by("import sdd.metrics.error_rates")
    ours = {name for name in loaded if name.startswith("sdd")}
    assert ours == {"sdd", "sdd.errors", "sdd.metrics", "sdd.metrics.error_rates"}
    assert not {"scipy", "pandas", "torch"} & loaded


def test_light_names_load_no_torch():
    loaded = loaded_by(
        "from sdd.metrics import *\n"
        "from sdd.data.corpora import *\n"
        "from sdd.scoring import read_score_file, write_score_file, Scores\n"
        "from sdd.detector import ARCHITECTURES, find_architecture\n"
    )
    assert "sdd.scoring.score_files" in loaded
    assert "torch" not in loaded
