"""A digest follows behaviour: not comments, and every library module that is imported."""

import pytest

from sdd.runtime import code_digest as subject
from sdd.runtime.code_digest import code_digest

OBJECTIVE = '''"""Losses."""

import math

from sdd.terms import scale  # the only import of ours

FLOOR = 1e-5


class Loss:
    """A loss."""

    def value(self, x):
        """Give its value."""
        return scale(x) + FLOOR


async def later(x):
    """Give it later."""
    return math.sqrt(x)
'''
FILES = {
    "__init__.py": '"""The library."""\n',
    "objective.py": OBJECTIVE,
    "terms.py": "from sdd import deep\n\n\ndef scale(x):\n    return deep.FACTOR * x\n",
    "deep.py": "FACTOR = 2\n",
    "unused.py": "VALUE = 1\n",
    "late.py": "def run():\n    from sdd.detector.encoder import Encoder\n    return Encoder\n",
    "plain.py": "import sdd.deep\n",
    "text.py": 'TEXT = "sdd.deep"\n\n\ndef show():\n    return "shown"\n',
    "detector/__init__.py": '"""Detectors."""\n\nfrom sdd.detector.encoder import Encoder\n',
    "detector/encoder.py": "class Encoder:\n    width = 8\n",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Give a small package in place of the library, and a way to edit it."""
    folder = tmp_path / "sdd"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(subject, "PACKAGE", folder)
    clear_caches()
    yield folder
    clear_caches()


def clear_caches():
    subject._tree.cache_clear()
    subject._behaviour.cache_clear()


def digest_after(package, name, old, new, *modules):
    """Edit a file as a later process would find it, and digest again."""
    text = (package / name).read_text(encoding="utf-8")
    assert old in text
    (package / name).write_text(text.replace(old, new), encoding="utf-8")
    clear_caches()
    return code_digest(*modules)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# the only import of ours", "# another comment"),
        ("FLOOR = 1e-5\n", "# why\nFLOOR = 1e-5  # here\n\n\n"),
        ("FLOOR = 1e-5", "FLOOR = 0.00001"),
        ('"""Losses."""', '"""Other words,\n\non many lines."""'),
        ('"""Losses."""\n', ""),
        ('    """A loss."""\n', ""),
        ('"""A loss."""', "'A class'"),
        ('"""Give its value."""', '"""Other."""'),
        ('        """Give its value."""\n', ""),
        ('"""Give it later."""', '"""Other."""'),
        ("scale(x) + FLOOR", "(\n            scale( x )\n            + FLOOR\n        )"),
    ],
)
def test_words_and_layout_do_not_count(package, old, new):
    before = code_digest("objective")
    assert digest_after(package, "objective.py", old, new, "objective") == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("objective.py", "FLOOR = 1e-5", "FLOOR = 1e-4"),
        ("objective.py", "scale(x) + FLOOR", "scale(x) - FLOOR"),
        ("objective.py", "scale(x) + FLOOR", "scale(x)"),
        ("objective.py", "def value(self, x)", "def value(self, x, y=1)"),
        ("objective.py", "math.sqrt", "math.cbrt"),
        ("objective.py", "FLOOR = 1e-5", "FLOOR = 1e-5\nOTHER = 2"),
        # A string that is no docstring is behaviour.
        ("objective.py", "return math.sqrt(x)", 'return "Give it later."'),
        # Imported, and imported by what is imported.
        ("terms.py", "FACTOR * x", "FACTOR / x"),
        ("deep.py", "FACTOR = 2", "FACTOR = 3"),
    ],
)
def test_behaviour_counts(package, name, old, new):
    before = code_digest("objective")
    assert digest_after(package, name, old, new, "objective") != before


def test_modules_that_are_not_imported_do_not_count(package):
    before = code_digest("objective")
    assert digest_after(package, "unused.py", "1", "2", "objective") == before
    assert digest_after(package, "detector/encoder.py", "8", "9", "objective") == before


@pytest.mark.parametrize("module", ["late", "detector", "detector.encoder"])
def test_packages_and_imports_inside_functions_are_followed(package, module):
    before = code_digest(module)
    assert digest_after(package, "detector/encoder.py", "8", "9", module) != before


def test_plain_imports_are_followed(package):
    before = code_digest("plain")
    assert digest_after(package, "deep.py", "2", "3", "plain") != before


def test_text_is_no_import_and_no_docstring(package):
    before = code_digest("text")
    assert digest_after(package, "deep.py", "2", "3", "text") == before
    assert digest_after(package, "text.py", '"shown"', '"other"', "text") != before


def test_digest_of_several_modules(package):
    both = code_digest("objective", "unused")
    assert both == code_digest("unused", "objective")
    assert both not in {code_digest("objective"), code_digest("unused")}
    assert digest_after(package, "unused.py", "1", "2", "objective", "unused") != both


def test_digest_does_not_depend_on_the_folder(package, tmp_path, monkeypatch):
    here = code_digest("objective")
    package.rename(tmp_path / "elsewhere")
    monkeypatch.setattr(subject, "PACKAGE", tmp_path / "elsewhere")
    assert code_digest("objective") == here


def test_form_of_a_digest(package):
    assert set(code_digest("objective")) <= set("0123456789abcdef")
    assert len(code_digest("objective")) == 16


@pytest.mark.parametrize("module", ["objectiv", "detector.encodr", "sdd.objective"])
def test_unknown_module(package, module):
    with pytest.raises(ModuleNotFoundError, match=f"sdd has no module '{module}'"):
        code_digest(module)


@pytest.mark.parametrize(
    "module", ["detector", "finetuning", "scoring", "results", "pretraining", "download"]
)
def test_library_itself(module):
    assert len(code_digest(module)) == 16
