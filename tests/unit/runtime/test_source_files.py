"""What is kept of source files: the same as without it, and never something old."""

import json
import sys

import pytest

from sdd.runtime import source_files
from sdd.runtime.code_digest import Checkout
from sdd.runtime.source_files import Facts, Import, KnownFacts, SourceFile, facts_beside
from tests.helpers.paths import CHECKOUT

CODE = """
import a.b, c as d
from .near import *

def __getattr__(name):
    return importlib.import_module("sdd.later")

TABLE = {"Name": "sdd.home"}
"""


@pytest.fixture(autouse=True)
def writes_byte_code(monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


def of(folder, text, known, name="sdd/some.py"):
    (folder / "some.py").write_text(text, encoding="utf-8")
    return SourceFile(folder / "some.py", name, "sdd.some", known)


def test_facts_by_hand(tmp_path):
    facts = of(tmp_path, CODE, KnownFacts()).facts
    assert facts.own_names == {"a", "d", "*", "__getattr__", "TABLE"}
    assert facts.handed_out == {"Name": "sdd.home"}
    assert facts.imports == (
        Import("a.b"),
        Import("c", renamed=True),
        Import("*", "sdd.near"),
        Import("sdd.later", renamed=True),
    )


@pytest.fixture
def saved(tmp_path):
    """What was found of the code, in a file that nothing was read from yet."""
    known = KnownFacts(tmp_path / "facts.json")
    facts = of(tmp_path, CODE, known).facts
    known.save()
    return facts


def no_parsing(monkeypatch):
    monkeypatch.setattr(source_files, "_Syntax", None)


def test_known_files_are_not_parsed_again(tmp_path, saved, monkeypatch):
    no_parsing(monkeypatch)
    again = of(tmp_path, CODE, KnownFacts(tmp_path / "facts.json"))
    assert isinstance(again.facts, Facts)
    assert again.facts == saved


@pytest.mark.parametrize(("text", "name"), [(CODE + "X = 1\n", "sdd/some.py"), (CODE, "other.py")])
def test_another_text_or_file_is_parsed(tmp_path, saved, text, name):
    file = of(tmp_path, text, KnownFacts(tmp_path / "facts.json"), name)
    assert ("X" in file.facts.own_names) == ("X = 1" in text)
    assert file.facts == of(tmp_path, text, KnownFacts(), name).facts


def test_what_another_version_found_is_not_believed(tmp_path, saved):
    content = json.loads((tmp_path / "facts.json").read_text())
    content["files"]["sdd/some.py"]["facts"]["behaviour"] = "of another version"
    (tmp_path / "facts.json").write_text(json.dumps(content))
    assert of(tmp_path, CODE, KnownFacts(tmp_path / "facts.json")).facts != saved
    content["by"] = "another"
    (tmp_path / "facts.json").write_text(json.dumps(content))
    assert of(tmp_path, CODE, KnownFacts(tmp_path / "facts.json")).facts == saved


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b'{"by": ', b'{"files": {}}'])
def test_a_damaged_file_is_made_anew(tmp_path, saved, content, monkeypatch):
    (tmp_path / "facts.json").write_bytes(content)
    known = KnownFacts(tmp_path / "facts.json")
    assert of(tmp_path, CODE, known).facts == saved
    known.save()
    no_parsing(monkeypatch)
    assert of(tmp_path, CODE, KnownFacts(tmp_path / "facts.json")).facts == saved


def test_where_nothing_can_be_written_it_goes_on(tmp_path):
    (tmp_path / "file").touch()
    known = KnownFacts(tmp_path / "file/facts.json")
    assert of(tmp_path, CODE, known).facts.handed_out
    known.save()
    assert (tmp_path / "file").read_bytes() == b""


def test_it_lies_with_the_byte_code_or_not_at_all(tmp_path, monkeypatch):
    assert facts_beside(tmp_path).path == tmp_path / "__pycache__/source_facts.json"
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "elsewhere"))
    assert (tmp_path / "elsewhere") in facts_beside(tmp_path).path.parents
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    known = KnownFacts(tmp_path / "facts.json")
    assert of(tmp_path, CODE, known).facts
    known.save()
    assert not (tmp_path / "facts.json").exists()


def test_digests_of_the_library_are_the_same_either_way(tmp_path):
    plain, keeping, knowing = (Checkout(CHECKOUT) for _ in range(3))
    plain.library.known.path = None
    for checkout in (keeping, knowing):
        checkout.library.known.path = tmp_path / "facts.json"
    for script in ("finetune", "show_plan"):
        expected = plain.digest(plain.covered(plain.script(script)))
        for checkout in (keeping, knowing):
            assert checkout.digest(checkout.covered(checkout.script(script))) == expected
            checkout.library.known.save()
