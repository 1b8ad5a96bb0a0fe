"""A digest follows behaviour: not comments, and every library file that a script runs."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sdd.errors import InputError
from sdd.runtime.code_digest import (
    RESULT_NEUTRAL,
    Checkout,
    code_digest,
    explain,
    main,
    module_digest,
    rules_that_run,
)
from tests.helpers.paths import CHECKOUT

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
LIBRARY = {
    "__init__.py": '"""The library."""\n',
    "objective.py": OBJECTIVE,
    "terms.py": "from sdd import deep\n\n\ndef scale(x):\n    return deep.FACTOR * x\n",
    "deep.py": "FACTOR = 2\n",
    "unused.py": "VALUE = 1\n",
    "late.py": "def run():\n    from sdd.detector.encoder import Encoder\n    return Encoder\n",
    "text.py": 'TEXT = "sdd.deep"\n\n\ndef show():\n    return "shown"\n',
    "detector/__init__.py": '"""Detectors."""\n\nfrom sdd.detector.encoder import Encoder\n',
    "detector/encoder.py": "class Encoder:\n    width = 8\n",
    "runtime/__init__.py": "",
    "runtime/locks.py": "from sdd.runtime.lock_files import PATH\n\nPOLL = 1\n",
    "runtime/lock_files.py": 'PATH = "lock"\n',
}
SCRIPTS = {
    "objective": '"""Run it."""\n\nfrom sdd.objective import Loss\n\nprint(Loss())\n',
    "late": "from sdd import late\n",
    "detector": "import sdd.detector\n",
    "encoder": "from sdd.detector.encoder import Encoder\n",
    "plain": "import sdd.deep\n",
    "text": "from sdd.text import show\n",
    "two": "from sdd.objective import Loss\nfrom sdd.unused import VALUE\n",
    "unused": "from sdd.unused import VALUE\n",
    "locked": "from sdd.runtime.locks import POLL\nfrom sdd.deep import FACTOR\n",
    "alone": "# /// script\n# dependencies = ['torch==1']\n# ///\nfrom sdd.deep import FACTOR\n",
}
RULES = """
rule train:
    input:
        "a",
    params:
        code=code_digest("objective"),
    script:
        "../scripts/objective.py"


for job in jobs:

    rule:
        name:
            f"score_{job}" + ("_too" if job else "")
        script:
            "../scripts/two.py"


checkpoint certify:
    params:
        code=code_digest("alone"),
    shell:
        "uv run alone.py"


rule all:
    input:
        "b",
"""


@pytest.fixture
def folder(tmp_path):
    """A small checkout."""
    files = {f"src/sdd/{name}": text for name, text in LIBRARY.items()}
    files |= {f"workflow/scripts/{name}.py": text for name, text in SCRIPTS.items()}
    files |= {"Snakefile": "", "workflow/rules/some.smk": RULES}
    for name, text in files.items():
        path = tmp_path / "checkout" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "checkout"


def digest(folder, script):
    """Digest as a new process would."""
    checkout = Checkout(folder, neutral=("sdd.runtime.locks",))
    return checkout.digest(checkout.covered(checkout.script(script)))


def digest_after(folder, name, old, new, script):
    """Edit a file and digest again."""
    path = folder / name if name.startswith("workflow") else folder / "src/sdd" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return digest(folder, script)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# the only import of ours", "# another comment"),
        ("FLOOR = 1e-5\n", "# why\nFLOOR = 1e-5  # here\n\n\n"),
        ("FLOOR = 1e-5", "FLOOR = 0.00001"),
        ("FLOOR = 1e-5", 'FLOOR = 1e-5\n"""Below it nothing counts."""'),
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
def test_words_and_layout_do_not_count(folder, old, new):
    before = digest(folder, "objective")
    assert digest_after(folder, "objective.py", old, new, "objective") == before


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
        # The package around them is executed, and so is the script.
        ("__init__.py", '"""The library."""', "VERSION = 2"),
        ("workflow/scripts/objective.py", "print(Loss())", "print(Loss(), 2)"),
    ],
)
def test_behaviour_counts(folder, name, old, new):
    before = digest(folder, "objective")
    assert digest_after(folder, name, old, new, "objective") != before


def test_words_of_the_script_do_not_count(folder):
    before = digest(folder, "objective")
    script = "workflow/scripts/objective.py"
    assert digest_after(folder, script, '"""Run it."""', "# Do", "objective") == before


def test_modules_that_are_not_imported_do_not_count(folder):
    before = digest(folder, "objective")
    assert digest_after(folder, "unused.py", "1", "2", "objective") == before
    assert digest_after(folder, "detector/encoder.py", "8", "9", "objective") == before


@pytest.mark.parametrize("script", ["late", "detector", "encoder"])
def test_packages_and_imports_inside_functions_are_followed(folder, script):
    before = digest(folder, script)
    assert digest_after(folder, "detector/encoder.py", "8", "9", script) != before


def test_plain_imports_are_followed(folder):
    before = digest(folder, "plain")
    assert digest_after(folder, "deep.py", "2", "3", "plain") != before


def test_text_is_no_import_and_no_docstring(folder):
    before = digest(folder, "text")
    assert digest_after(folder, "deep.py", "2", "3", "text") == before
    assert digest_after(folder, "text.py", '"shown"', '"other"', "text") != before


def test_digest_of_several_modules(folder):
    both = digest(folder, "two")
    assert both not in {digest(folder, "objective"), digest(folder, "unused")}
    assert digest_after(folder, "unused.py", "1", "2", "two") != both


def test_two_files_of_one_name_are_not_confused(folder):
    """What one file does and another of its name does may not be exchanged."""
    script = folder / "workflow/scripts/same.py"
    script.write_text("from sdd.a import steps\nfrom sdd.b import steps\n", encoding="utf-8")
    for package in "ab":
        (folder / "src/sdd" / package).mkdir()
        (folder / "src/sdd" / package / "__init__.py").touch()
    first, second = (folder / "src/sdd" / package / "steps.py" for package in "ab")
    first.write_text("N = 1\n", encoding="utf-8")
    second.write_text("N = 2\n", encoding="utf-8")
    before = digest(folder, "same")
    first.write_text("N = 2\n", encoding="utf-8")
    second.write_text("N = 1\n", encoding="utf-8")
    assert digest(folder, "same") != before


def test_what_cannot_change_a_result_does_not_count(folder):
    before = digest(folder, "locked")
    assert digest_after(folder, "runtime/locks.py", "POLL = 1", "POLL = 2", "locked") == before
    # Nor what only such a module imports.
    assert digest_after(folder, "runtime/lock_files.py", "lock", "key", "locked") == before
    assert digest_after(folder, "runtime/__init__.py", "", "N = 1", "locked") != before
    assert digest_after(folder, "deep.py", "2", "3", "locked") != before


def test_neutral_modules_exist_and_say_why():
    library = Checkout(CHECKOUT).library
    for module, reason in RESULT_NEUTRAL.items():
        assert library.file(module) is not None, module
        assert len(reason) > 20, module


def test_the_environment_of_a_script_counts(folder):
    """The comment that `uv run --script` makes an environment of."""
    before = digest(folder, "alone")
    script = "workflow/scripts/alone.py"
    assert digest_after(folder, script, "torch==1", "torch==2", "alone") != before


def test_digest_does_not_depend_on_the_folder(folder, tmp_path):
    here = digest(folder, "objective")
    folder.rename(tmp_path / "elsewhere")
    assert digest(tmp_path / "elsewhere", "objective") == here


def test_form_of_a_digest(folder):
    assert set(digest(folder, "objective")) <= set("0123456789abcdef")
    assert len(digest(folder, "objective")) == 16


@pytest.mark.parametrize("script", ["objectiv", "sdd.objective", ""])
def test_unknown_script(folder, script):
    with pytest.raises(InputError, match=rf"workflow/scripts/{script}\.py is missing"):
        digest(folder, script)


def test_unknown_script_with_a_neighbour(folder):
    with pytest.raises(InputError, match="did you mean 'objective'"):
        digest(folder, "objectiv")


def test_explaining_a_rule(folder):
    checkout = Checkout(folder, neutral=("sdd.runtime.locks",))
    lines = explain(checkout, "train").splitlines()
    assert lines[0] == f"train: 5 files, digest {digest(folder, 'objective')}"
    assert [line.split() for line in lines[1:]] == [
        ["workflow/scripts/objective.py"],
        ["src/sdd/__init__.py", "<", "scripts/objective.py"],
        ["src/sdd/objective.py", "<", "scripts/objective.py"],
        ["src/sdd/terms.py", "<", "sdd.objective", "<", "scripts/objective.py"],
        ["src/sdd/deep.py", "<", "sdd.terms", "<", "sdd.objective", "<", "scripts/objective.py"],
    ]
    assert explain(checkout, "locked").splitlines()[-1].split(":")[0] == "  sdd.runtime.locks"
    # A rule of a loop by the name that it has when it runs, a rule that starts its script by shell.
    assert "scripts/two.py" in explain(checkout, "score_toy_too")
    assert "scripts/alone.py" in explain(checkout, "certify")


def test_explaining_what_is_not_there(folder):
    checkout = Checkout(folder)
    with pytest.raises(InputError, match="no rule or script 'trains'; did you mean 'train'"):
        explain(checkout, "trains")
    with pytest.raises(InputError, match="rule 'all' runs no script"):
        explain(checkout, "all")


def test_rules_that_a_file_reruns(folder):
    checkout = Checkout(folder)
    library = folder / "src/sdd"
    assert rules_that_run(checkout, library / "deep.py") == ["certify", "score_*", "train"]
    assert rules_that_run(checkout, library / "unused.py") == ["score_*"]
    assert rules_that_run(checkout, library / "text.py") == []
    assert rules_that_run(checkout, folder / "workflow/scripts/two.py") == ["score_*"]
    with pytest.raises(InputError, match=r"other\.py is neither a script .* nor a file"):
        rules_that_run(checkout, library / "other.py")


def test_command_line(capsys):
    assert main(["--explain", "finetune", "score_toy"]) == 0
    shown = capsys.readouterr().out
    assert f"digest {code_digest('finetune')}" in shown
    assert f"digest {code_digest('score')}" in shown
    assert main(["--explain", "fintune"]) == 1
    assert capsys.readouterr().err == (
        "error: there is no rule or script 'fintune'; did you mean 'finetune' or 'tune'?\n"
    )
    assert main(["--changed", str(CHECKOUT / "src/sdd/data/audio/mp3.py")]) == 0
    assert "prepare_audio" in capsys.readouterr().out.split()


def test_as_a_program(tmp_path):
    """As the documentation has it; from any folder."""
    command = [sys.executable, "-m", "sdd.runtime.code_digest", "--changed"]
    path = CHECKOUT / "src/sdd/runtime/ownership.py"
    done = subprocess.run([*command, str(path)], cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout == b"no rule\n"


def test_digest_of_a_module():
    audio = Path("src/sdd/data/audio")
    checkout = Checkout(CHECKOUT)
    covered = checkout.covered(checkout.library.file("sdd.data.audio.preparing"))
    paths = {file.path.relative_to(CHECKOUT) for file in covered}
    names = [
        "__init__",
        "content",
        "decoding",
        "door",
        "flac",
        "flac_files",
        "headers",
        "mp3",
        "ogg",
        "preparing",
    ]
    names += ["remarks", "resampling", "sample_chunks", "stated", "tracks"]  # not: prepared, table
    assert {path.stem for path in paths if path.parent == audio} == set(names)
    assert module_digest("sdd.data.audio.preparing") == checkout.digest(covered)
    with pytest.raises(InputError, match=r"sdd has no module 'sdd\.data\.sound'"):
        module_digest("sdd.data.sound")


def test_a_module_has_its_digest_where_no_checkout_is(tmp_path):
    """As in a wheel, whose library lies alone in site-packages."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(CHECKOUT / "src/sdd", tmp_path / "sdd", ignore=ignore)
    module = "sdd.data.audio.preparing"
    code = f"import sdd.runtime.code_digest as it; print(it.__file__, it.module_digest({module!r}))"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split() == [
        str(tmp_path / "sdd/runtime/code_digest.py"),
        module_digest(module),
    ]
