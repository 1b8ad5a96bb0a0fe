"""Which files an import executes, held against Python itself."""

import subprocess
import sys

import pytest

from sdd.runtime.run_time_imports import Library
from sdd.runtime.source_files import SourceFile

FILES = {
    "__init__.py": "import importlib\n",
    "a.py": "A = 1\n",
    "b.py": "B = 1\n",
    "c.py": "C = 1\n",
    "plain/__init__.py": "from sdd.a import A\n",
    "plain/inner.py": "",
    "plain/near.py": "from . import inner\nfrom .inner import __name__\nfrom ..b import B\n",
    "face/__init__.py": """
from typing import TYPE_CHECKING
import typing

from sdd.a import A

if TYPE_CHECKING:
    from sdd.face.heavy import Heavy
    from sdd.face.light import Light
elif typing.TYPE_CHECKING:
    from sdd.c import C

_MODULES = {"Heavy": "sdd.face.heavy"}
_OTHERS: dict = {"Light": ".light", "Lighter": "light"}
_GROUPS = {"sdd.face.groups": ("One", "Two")}


def __getattr__(name):
    import importlib
    for module, names in _GROUPS.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    module = (_MODULES | _OTHERS).get(name)
    if module is None:
        raise AttributeError(name)
    if "." not in module:
        module = "." + module
    return getattr(importlib.import_module(module, "sdd.face"), name)
""",
    "face/heavy.py": "from sdd.b import B\n\nHeavy = 1\n",
    "face/light.py": "Light = Lighter = 1\n",
    "face/groups.py": "One = Two = 1\n",
    "face/eager.py": "eager = 1\n",
    "called/__init__.py": (
        "from sdd.lazy import lazy_names\n\n"
        '__getattr__ = lazy_names(__name__, {"name": "home", "other": "away"})\n'
    ),
    "called/home.py": "name = 1\n",
    "called/away.py": "other = 1\n",
    "lazy.py": (
        "import importlib\n\n\ndef lazy_names(package, homes):\n"
        "    def get(name):\n"
        "        if name not in homes:\n            raise AttributeError(name)\n"
        '        return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)\n'
        "    return get\n"
    ),
    "shadow/__init__.py": "from sdd.shadow.tool import tool\n",
    "shadow/tool.py": "def tool():\n    pass\n",
    "readers/__init__.py": "from sdd.readers import one\nfrom . import two as second\n",
    "readers/one.py": "",
    "readers/two.py": "",
    "readers/three.py": "",
}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A folder with a small library."""
    folder = tmp_path_factory.mktemp("source")
    for name, text in FILES.items():
        path = folder / "sdd" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def found(source, code):
    """List the modules that were found to be executed, by way of a script of this code."""
    script = source / "script.py"
    script.write_text(code, encoding="utf-8")
    library = Library(source / "sdd")
    pending, seen = [SourceFile(script, "script.py", "")], set()
    while pending:
        for file in library.imports(pending.pop()):
            if file.module not in seen:
                seen.add(file.module)
                pending.append(file)
    return seen


def executed(source, code):
    """List the modules that Python executes."""
    show = "\nimport sys\nprint(*(name for name in sys.modules if name.split('.')[0] == 'sdd'))\n"
    command = [
        sys.executable,
        "-S",
        "-c",
        f"import sys; sys.path[0] = {str(source)!r}\n{code}{show}",
    ]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import sdd.a",
        "import sdd.plain.inner as inner, os",
        "from sdd import a",
        "from sdd import a as first, b",
        "from sdd.plain import A",
        "from sdd.plain.near import B",
        "from sdd.plain import inner, near",
        "from sdd.face import A",
        "from sdd.face import Heavy",
        "from sdd.face import Light",
        "from sdd.face import Lighter, eager",
        "from sdd.face import Two",
        "from sdd.face.light import Light",
        "from sdd.face import light",
        "from sdd.called import name",
        "from sdd.called.home import name",
        "from sdd.shadow import tool",
        "from sdd.readers import second",
        "from sdd.readers import three",
        "import importlib; importlib.import_module('sdd.a')",
        "try:\n    from sdd.a import A\nexcept ImportError:\n    import sdd.c",
        "def run():\n    def deeper():\n        from sdd.b import B\n    deeper()\nrun()",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import sdd.c\nelse:\n"
        "    import sdd.a",
        "import typing\nif typing.TYPE_CHECKING:\n    import sdd.c\nimport sdd.b",
        "import json",
    ],
)
def test_imports_are_those_of_python(source, code):
    expected = executed(source, code)
    if "except ImportError" in code:
        expected |= {"sdd", "sdd.c"}  # what may be executed counts
    assert found(source, code) == expected


def test_names_that_may_be_asked_for_later_count(source):
    """`import sdd.face` executes little, but any of its names may be used."""
    everything = executed(source, "from sdd.face import Heavy, Light, One")
    for code in ("import sdd.face", "from sdd import face", "from sdd.face import *"):
        assert found(source, code) == everything
    assert found(source, "import sdd.face.light") == everything
    assert found(source, "import sdd.face.light as light") == executed(
        source, "import sdd.face.light"
    )


def test_behaviour_is_what_runs(source):
    path = source / "behaviour.py"

    def behaviour(text):
        path.write_text(text, encoding="utf-8")
        return SourceFile(path, "behaviour.py", "").facts.behaviour

    plain = behaviour("from typing import TYPE_CHECKING\nx = 1\n")
    guarded = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import sdd.c\nx = 1\n"
    assert behaviour(guarded) == plain
    assert behaviour(guarded.replace("x = 1", "else:\n    x = 1")) == plain
    assert behaviour(guarded.replace("x = 1", "x = 2")) != plain
    assert behaviour("def f():\n    'Say.'\n    return 1\n") == behaviour(
        "def f():\n    return 1\n"
    )
    assert behaviour("def f():\n    return 'Say.'\n") != behaviour("def f():\n    return 'So.'\n")


# ------------------------------------------------------------------------------------ behaviour


def behaviour(folder, text, name="some.py"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return SourceFile(path, name, "some").facts.behaviour


def test_values_that_are_nothing_are_told_apart(tmp_path):
    values = ["None", "''", "b''", "0", "0.0", "False", "[]", "()", "{}", "..."]
    digests = {behaviour(tmp_path, f"x = {value}\n") for value in values}
    assert len(digests) == len(values)


def test_every_python_gives_the_same_digest(tmp_path):
    """Nodes that versions write differently: empty fields, formats, type parameters' absence."""
    text = (
        "import a.b as c\n"
        "class A(B, k=1):\n    x: int = None\n"
        "async def f(x, /, *y, z=0, **w):\n    return f'{x!r:>{y}}{z:.3f}'\n"
        "def g():\n    return lambda: x[1:, ...]\n"
        "match x:\n    case {'a': [1, *_]}:\n        pass\n"
    )
    assert (
        behaviour(tmp_path, text)
        == "e1b24bf1471d3cb11a6e0a0f68efde09ebbfc1e5613a43a2a285e6a1ce02b9e3"
    )


FACE = """
from sdd import lazy_names

__all__ = ["one", "two"]
__getattr__ = lazy_names(__name__, {"one": "a", "two": "b"})
"""


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        (FACE.replace('"two": "b"', '"two": "b", "three": "c"'), True),
        (FACE.replace('["one", "two"]', '["one", "two", "three"]'), True),
        (FACE + "VALUE = 1\n", False),
        (FACE + "def __getattr__(name):\n    return 1\n", False),
    ],
)
def test_names_that_a_package_hands_out_count_where_they_are_defined(tmp_path, changed, same):
    before = behaviour(tmp_path, FACE, "__init__.py")
    assert (behaviour(tmp_path, changed, "__init__.py") == before) == same
    # In a module that is no package the same words are behaviour.
    assert behaviour(tmp_path, changed) != behaviour(tmp_path, FACE)
