"""A digest of what a workflow script does, so that results follow their code.

Snakemake reruns a job when its parameters change, but does not see edits of imported modules. Each
rule with a script therefore carries, as a parameter, a digest of the behaviour of the script and of
every library file that it runs. Comments, docstrings and layout do not count.

``python -m sdd.runtime.code_digest --explain RULE`` lists the files of a rule's digest and who
imports them; ``--changed FILE`` lists the rules that rerun when a file changes.
"""

import argparse
import difflib
import os
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType

from sdd.errors import InputError
from sdd.runtime.digests import text_digest
from sdd.runtime.run_time_imports import Library
from sdd.runtime.source_files import SourceFile, facts_beside
from sdd.runtime.workflow_rules import Rule, read_rules

CHECKOUT = Path(__file__).parents[3]
# The library itself, wherever it is installed: in a wheel there is no checkout around it.
PACKAGE = Path(__file__).parents[1]

# What happens around the work and cannot change its result. Neither these files nor what only they
# import count; a file belongs here only if a fault in it would stop a job, never change a number.
RESULT_NEUTRAL = MappingProxyType(
    {
        "sdd.errors": "the kind of error that a user can mend",
        "sdd.experiment.costs": "estimates memory, by which activations are kept or computed again",
        "sdd.runtime.atomic_files": "names files until they are whole, and words a full disk",
        "sdd.runtime.attempts": "remembers attempts that failed",
        "sdd.runtime.cluster": "works around faults of clusters, in Snakemake's own process",
        "sdd.runtime.code_digest": "a changed digest shows itself",
        "sdd.runtime.gpus": "chooses between GPUs of one machine",
        "sdd.runtime.job_log": "logs, and words errors",
        "sdd.runtime.ownership": "locks: which process works on a state",
        "sdd.runtime.stopping": "notes signals: when a job saves its state and leaves",
        "sdd.runtime.worker_processes": "starts and ends processes that read ahead",
        "sdd.training.gpu_memory": "keeps activations or computes the same again; words a shortage",
    }
)

_Covered = dict[SourceFile, SourceFile | None]


class Checkout:
    """The scripts and the library of a checkout.

    Parameters
    ----------
    folder
        Holds src/sdd, workflow/scripts, workflow/rules and the Snakefile.
    neutral
        Library modules whose behaviour does not count in digests.
    library
        The library's folder; None for src/sdd.
    """

    def __init__(
        self,
        folder: Path,
        neutral: Iterable[str] = RESULT_NEUTRAL,
        library: Path | None = None,
    ) -> None:
        self.folder = folder
        sources = library or folder / "src/sdd"
        self.library = Library(sources, facts_beside(sources))
        self.neutral = frozenset(neutral)
        self._rules: list[Rule] | None = None

    @property
    def rules(self) -> list[Rule]:
        """All rules, in the order of `read_rules`."""
        if self._rules is None:
            self._rules = read_rules(self.folder)
        return self._rules

    def scripts(self) -> list[str]:
        """List the names of the scripts, sorted and without their suffix."""
        return sorted(path.stem for path in self.folder.glob("workflow/scripts/*.py"))

    def script(self, name: str) -> SourceFile:
        """Find a script by name.

        Raises
        ------
        InputError
            If there is none of this name: the ones that are meant, perhaps.
        """
        path = self.folder / f"workflow/scripts/{name}.py"
        if not path.is_file():
            raise InputError(f"{path} is missing{_perhaps(name, self.scripts())}")
        return SourceFile(path, f"scripts/{name}.py", "", self.library.known)

    def covered(self, start: SourceFile) -> _Covered:
        """Find the files that a file runs, itself included, nearest first, and who imports each."""
        covered: _Covered = {start: None}
        pending = deque([start])
        while pending:
            file = pending.popleft()
            for imported in self.library.imports(file):
                if imported not in covered and imported.module not in self.neutral:
                    covered[imported] = file
                    pending.append(imported)
        return covered

    def left_out(self, covered: Iterable[SourceFile]) -> list[str]:
        """List the modules that files import and that do not count."""
        imported = {other.module for file in covered for other in self.library.imports(file)}
        return sorted(imported & self.neutral)

    def digest(self, files: Iterable[SourceFile]) -> str:
        """Digest the behaviour of files: 16 hexadecimal digits."""
        lines = sorted(f"{file.name} {file.facts.behaviour}\n" for file in files)
        return text_digest("".join(lines))[:16]

    def script_of(self, name: str) -> str:
        """Find the script that a rule of the running workflow runs; a script's name is its own.

        Raises
        ------
        InputError
            If there is no such rule or script, or the rule runs no script.
        """
        for rule in self.rules:
            if rule.is_called(name):
                if not rule.script:
                    raise InputError(f"rule {rule.name!r} runs no script, so no code of ours")
                return rule.script
        if name in self.scripts():
            return name
        known = [rule.name for rule in self.rules] + self.scripts()
        raise InputError(f"there is no rule or script {name!r}{_perhaps(name, known)}")


def _perhaps(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, list(dict.fromkeys(known)))
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else ""


@cache
def _this_checkout() -> Checkout:
    return Checkout(CHECKOUT, library=PACKAGE)


@cache
def code_digest(script: str) -> str:
    """Digest a workflow script and every library file that it runs.

    Parameters
    ----------
    script
        Name of a file in workflow/scripts, without its suffix.

    Returns
    -------
    str
        16 hexadecimal digits; equal as long as no behaviour changed.

    Raises
    ------
    InputError
        If there is no such script.
    """
    checkout = _this_checkout()
    return _remembered(checkout, checkout.script(script))


@cache
def module_digest(module: str) -> str:
    """Digest a library module and every library file that it runs, as `code_digest` does."""
    checkout = _this_checkout()
    file = checkout.library.file(module)
    if file is None:
        raise InputError(f"sdd has no module {module!r}")
    return _remembered(checkout, file)


def _remembered(checkout: Checkout, start: SourceFile) -> str:
    """Digest what a file runs, and spare the next process to read it all."""
    digest = checkout.digest(checkout.covered(start))
    checkout.library.known.save()
    return digest


def explain(checkout: Checkout, name: str) -> str:
    """Say which files the digest of a rule covers, and by whom each is imported."""
    script = checkout.script_of(name)
    covered = checkout.covered(checkout.script(script))
    shown = {file: _shown(file, checkout) for file in covered}
    width = max(map(len, shown.values()))
    lines = [f"{name}: {len(covered)} files, digest {checkout.digest(covered)}"]
    for file in covered:
        chain = "".join(f" < {_short(above)}" for above in _above(file, covered))
        lines.append(f"  {shown[file]:{width}} {chain}".rstrip())
    if left_out := checkout.left_out(covered):
        lines.append("Imported, but left out, for no result depends on it:")
        lines += [f"  {module}: {RESULT_NEUTRAL.get(module, '')}" for module in left_out]
    return "\n".join(lines)


def _above(file: SourceFile, covered: _Covered) -> list[SourceFile]:
    """List who imports a file, who imports that, and so on up to the script."""
    chain = []
    above = covered[file]
    while above is not None:
        chain.append(above)
        above = covered[above]
    return chain


def _shown(file: SourceFile, checkout: Checkout) -> str:
    return file.path.relative_to(checkout.folder).as_posix()


def _short(file: SourceFile) -> str:
    return file.module or file.name


def rules_that_run(checkout: Checkout, path: Path) -> list[str]:
    """List the rules whose digest changes with the behaviour of a file, sorted.

    Raises
    ------
    InputError
        If it is no file of the library and no script.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 (links are not followed: names count)
    files = {script: checkout.covered(checkout.script(script)) for script in checkout.scripts()}
    library = {checkout.folder / "src" / file for file in _files_of(checkout)}
    scripts = {checkout.script(script).path for script in files}
    if path not in library | scripts:
        raise InputError(f"{path} is neither a script of the workflow nor a file of the library")
    hit = {script for script, covered in files.items() if path in {f.path for f in covered}}
    return sorted({rule.name for rule in checkout.rules if rule.script in hit})


def _files_of(checkout: Checkout) -> list[str]:
    files = (checkout.library.file(module) for module in checkout.library.modules())
    return [file.name for file in files if file]


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer questions about digests on the command line."""
    parser = argparse.ArgumentParser(prog="python -m sdd.runtime.code_digest", description=__doc__)
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--explain", nargs="+", metavar="RULE", help="files of a rule's digest")
    asked.add_argument("--changed", nargs="+", metavar="FILE", type=Path, help="rules that rerun")
    options = parser.parse_args(arguments)
    checkout = _this_checkout()
    try:
        if options.explain:
            answer = "\n\n".join(explain(checkout, name) for name in options.explain)
        else:
            changed = {rule for path in options.changed for rule in rules_that_run(checkout, path)}
            answer = "\n".join(sorted(changed)) or "no rule"
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"{answer}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
