"""Rooms of the library that are light: a process that uses them need not load torch."""

import json
import subprocess
import sys

from tests.helpers.paths import CHECKOUT

LIGHT = ("metrics", "experiment", "analysis", "presentation", "data/corpora")
CODE = """
import importlib, json, sys
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
print(json.dumps(sorted(sys.modules)))
"""


def modules_of(room):
    for path in sorted((CHECKOUT / "src/sdd" / room).rglob("*.py")):
        parts = path.relative_to(CHECKOUT / "src").with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_by(names):
    """List the modules of a fresh process that imports some."""
    command = [sys.executable, "-c", CODE, json.dumps(names)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout))


def test_light_rooms_import_no_torch():
    names = [name for room in LIGHT for name in modules_of(room)]
    assert len(names) > 50
    loaded = imported_by(names)
    assert set(names) <= loaded
    assert not {"torch", "torchaudio", "ot"} & loaded


def test_planning_needs_neither_pandas_nor_claims():
    """Every process of Snakemake imports these."""
    loaded = imported_by(
        ["sdd.experiment.contents", "sdd.experiment.settings", "sdd.experiment.plan"]
    )
    assert not {"pandas", "numpy", "pyarrow", "yaml"} & loaded
    ours = {name for name in loaded if name.startswith("sdd.")}
    rooms = {name.split(".")[1] for name in ours}
    assert rooms == {"data", "detector", "errors", "experiment"}
