"""Which script each rule of the workflow runs, read from the rules' text without Snakemake."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

_HEAD = re.compile(r"^(?P<indent> *)(?:rule|checkpoint)\b *(?P<name>\w*) *:\s*$")
_NAME = re.compile(r"^ *name:\s*(?P<value>.*?)^ *\w+:\s*$", re.MULTILINE | re.DOTALL)
_SCRIPT = re.compile(r"\bscript:\s*\"(?:[\w./]*/)?(?P<script>\w+)\.py\"")
_CODE = re.compile(r"\bcode=code_digest\(\"(?P<script>\w+)\"\)")


@dataclass(frozen=True)
class Rule:
    """A rule as written in the Snakefile or in workflow/rules.

    Attributes
    ----------
    name
        Its name; with ``*`` for what a loop puts there.
    script
        Name of the file in workflow/scripts that it runs, without suffix; empty if none.
    code
        Of which script it carries the digest; empty if of none.
    """

    name: str
    script: str
    code: str

    def is_called(self, name: str) -> bool:
        """Tell whether a rule of the running workflow is this one."""
        return name == self.name or fnmatchcase(name, self.name)


def read_rules(workflow: Path) -> list[Rule]:
    """Read the rules of a checkout's Snakefile and of workflow/rules, in this order."""
    files = [workflow / "Snakefile", *sorted(workflow.glob("workflow/rules/*.smk"))]
    return [rule for file in files for rule in _rules(file.read_text(encoding="utf-8"))]


def _rules(text: str) -> Iterator[Rule]:
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if head := _HEAD.match(line):
            yield _rule(head["name"], _block(lines[number + 1 :], len(head["indent"])))


def _block(lines: list[str], indent: int) -> str:
    """Join the lines that are indented more than a rule's head."""
    block = []
    for line in lines:
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            break
        block.append(line)
    return "\n".join(block)


def _rule(name: str, block: str) -> Rule:
    script, code = _SCRIPT.search(block), _CODE.search(block)
    if not name and (given := _NAME.search(block)):
        name = re.sub(r"\*+", "*", _pattern(ast.parse(given["value"].strip(), mode="eval").body))
    runs = script or code
    return Rule(name, runs["script"] if runs else "", code["script"] if code else "")


def _pattern(expression: ast.expr) -> str:
    """Write an expression of text as a pattern: ``*`` for what is known only when it runs."""
    if isinstance(expression, ast.Constant):
        return str(expression.value)
    if isinstance(expression, ast.JoinedStr):
        return "".join(_pattern(part) for part in expression.values)
    if isinstance(expression, ast.BinOp):
        return _pattern(expression.left) + _pattern(expression.right)
    return "*"
