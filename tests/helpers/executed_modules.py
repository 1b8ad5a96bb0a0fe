"""Which library modules each workflow script can run: by importing them, and by their byte code.

Independent of `sdd.runtime.run_time_imports`, which reads syntax trees. The imports at the top of a
script are executed; what functions import when they are called is found among their instructions
and executed as well, until nothing new comes. Result-neutral modules are replaced by dummies.

``python executed_modules.py CHECKOUT NEUTRAL... < names of scripts`` prints JSON: names of modules
by script.
"""

import ast
import dis
import importlib
import json
import sys
from contextlib import suppress
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from unittest.mock import MagicMock

# Imported once, before all scripts, so that each script pays for the library alone.
HEAVY = ("torch", "torchaudio", "pandas", "pyarrow.parquet", "matplotlib.pyplot", "scipy.signal")


class Dummy(ModuleType):
    """A module that has every name."""

    def __getattr__(self, name):
        return MagicMock(name=name)


class Dummies:
    """Finds dummies for some modules, and loads them."""

    def __init__(self, names):
        self.names = names

    def find_spec(self, name, _path, _target=None):
        return ModuleSpec(name, self) if name in self.names else None

    def create_module(self, spec):
        return Dummy(spec.name)

    def exec_module(self, module):
        pass


def library_modules():
    return {name for name in sys.modules if name.split(".")[0] == "sdd"}


def run_imports(script):
    """Execute the import statements at the top of a script."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    tree.body = [
        node
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom) and "sdd" in ast.dump(node)
    ]
    exec(compile(tree, str(script), "exec"), {"__name__": "script"})


def codes(code):
    """Yield the code of functions and classes inside a code, however deep."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from codes(constant)


@cache  # most modules are run by many scripts
def late_imports(source):
    """List (module, names, level) of the imports inside the functions of a file."""
    found = []
    for code in codes(compile(Path(source).read_text(encoding="utf-8"), source, "exec")):
        constants = []
        for instruction in dis.get_instructions(code):
            if instruction.opname == "IMPORT_NAME":
                level, names = constants[-2:]
                found.append((instruction.argval, names or (), level))
            if instruction.opname in ("LOAD_CONST", "LOAD_SMALL_INT"):
                constants.append(instruction.argval)
    return found


def run_late_imports(done):
    """Execute what the functions of loaded modules import; tell whether there was anything new."""
    new = library_modules() - done
    for name in new:
        module = sys.modules[name]
        if isinstance(module, Dummy):
            continue
        package = name if hasattr(module, "__path__") else name.rpartition(".")[0]
        for target, names, level in late_imports(module.__file__):
            absolute = (
                importlib.util.resolve_name("." * level + target, package) if level else target
            )
            if absolute.split(".")[0] == "sdd":
                loaded = importlib.import_module(absolute)
                for member in names:
                    with suppress(AttributeError):
                        getattr(loaded, member)
    done |= new
    return bool(new)


def executed_by(script, neutral):
    for name in library_modules():
        del sys.modules[name]
    run_imports(script)
    done = set()
    while run_late_imports(done):
        pass
    return sorted(library_modules() - set(neutral))


def main():
    checkout, *neutral = sys.argv[1:]
    sys.path.insert(0, f"{checkout}/src")
    sys.meta_path.insert(0, Dummies(neutral))
    for name in HEAVY:
        importlib.import_module(name)
    scripts = Path(checkout, "workflow/scripts")
    names = sys.stdin.read().split()
    json.dump({name: executed_by(scripts / f"{name}.py", neutral) for name in names}, sys.stdout)


if __name__ == "__main__":
    main()
