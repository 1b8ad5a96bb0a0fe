"""Every rule, every module: a change reruns what runs it, and nothing else."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from sdd.runtime.code_digest import RESULT_NEUTRAL, Checkout
from sdd.runtime.workflow_rules import read_rules
from tests.helpers.paths import CHECKOUT

SCRIPTS = sorted(path.stem for path in (CHECKOUT / "workflow/scripts").glob("*.py"))
HELPER = CHECKOUT / "tests/helpers/executed_modules.py"


@pytest.fixture(scope="module")
def executed():
    """The modules that each script runs, found by running them."""
    command = [sys.executable, "-W", "ignore", str(HELPER), str(CHECKOUT), *RESULT_NEUTRAL]
    done = subprocess.run(
        command, input=" ".join(SCRIPTS), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return {script: set(modules) for script, modules in json.loads(done.stdout).items()}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the checkout whose files may be changed."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("src", "workflow"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(CHECKOUT / name, folder / name, ignore=ignored)
    shutil.copy(CHECKOUT / "Snakefile", folder)
    return Checkout(folder)


def read_anew(file):
    """Forget what was read of a file, as a new process would not know it."""
    for name in ("text", "facts"):
        vars(file).pop(name, None)


def test_covered_files_are_those_that_are_executed(executed):
    checkout = Checkout(CHECKOUT)
    for script in SCRIPTS:
        covered = {file.module for file in checkout.covered(checkout.script(script))} - {""}
        assert covered == executed[script], script


def test_a_change_reaches_the_scripts_that_run_it_and_no_other(checkout, executed):
    covered = {script: checkout.covered(checkout.script(script)) for script in SCRIPTS}
    before = {script: checkout.digest(files) for script, files in covered.items()}
    assert len(set(before.values())) == len(SCRIPTS)
    # A file of a script's digest is one object for all scripts.
    files = {file.module: file for found in covered.values() for file in found if file.module}
    hit = 0
    for module in checkout.library.modules():
        file = files.get(module) or checkout.library.file(module)
        text, behaviour = file.path.read_text(encoding="utf-8"), file.facts.behaviour
        file.path.write_text(text + "\n# a remark\n", encoding="utf-8")
        read_anew(file)
        assert file.facts.behaviour == behaviour, module
        file.path.write_text(text + "\nCHANGED = 1\n", encoding="utf-8")
        read_anew(file)
        # Where a file is not among those of a digest, the digest cannot know of it.
        changed = {
            script
            for script, found in covered.items()
            if file in found and checkout.digest(found) != before[script]
        }
        assert changed == {script for script in SCRIPTS if module in executed[script]}, module
        hit += len(changed)
        file.path.write_text(text, encoding="utf-8")
        read_anew(file)
    assert hit == sum(map(len, executed.values()))


def test_a_change_of_a_script_reaches_it_alone(checkout):
    before = {
        script: checkout.digest(checkout.covered(checkout.script(script))) for script in SCRIPTS
    }
    path = checkout.script("score").path
    path.write_text(path.read_text(encoding="utf-8") + "CHANGED = 1\n", encoding="utf-8")
    after = {
        script: checkout.digest(checkout.covered(checkout.script(script))) for script in SCRIPTS
    }
    assert {script for script in SCRIPTS if after[script] != before[script]} == {"score"}


def test_locks_logs_and_gpus_reach_nobody(executed):
    assert all(not modules & set(RESULT_NEUTRAL) for modules in executed.values())


@pytest.mark.parametrize("script", ["finetune", "score", "pretrain_encoder", "cut_segments"])
def test_decoders_reach_preparation_but_not_what_follows(executed, script):
    decoders = {f"sdd.data.audio.{name}" for name in ("decoding", "mp3", "resampling", "preparing")}
    assert decoders <= executed["prepare_audio"]
    assert not decoders & executed[script]


def test_every_rule_with_a_script_carries_the_digest_of_that_script():
    rules = read_rules(CHECKOUT)
    for rule in rules:
        assert rule.code in ("", rule.script), rule
    # They have no output, and always run.
    without = [rule.name for rule in rules if rule.script and not rule.code]
    assert without == ["check_*"]
    assert {rule.script for rule in rules} - {""} == set(SCRIPTS)


def test_no_rule_is_overlooked():
    files = [CHECKOUT / "Snakefile", *(CHECKOUT / "workflow/rules").glob("*.smk")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    rules = read_rules(CHECKOUT)
    assert len(rules) == len(re.findall(r"^\s*(?:rule|checkpoint)\b[^.=]*:$", text, re.MULTILINE))
    by_shell = len(re.findall(r"^\s+shell:$", text, re.MULTILINE))
    scripts = len(re.findall(r"^\s+script:$", text, re.MULTILINE))
    assert len([rule for rule in rules if rule.script]) == scripts + by_shell
    names = [rule.name for rule in rules]
    assert "" not in names
    assert len(set(names)) == len(names)
    assert {"score_*", "check_*", "finetune", "plan"} <= set(names)
