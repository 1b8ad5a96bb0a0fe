"""What a Python file of ours does and imports, by its text alone.

Reading it off a syntax tree takes 10 ms a file, and each start of Snakemake asks for all of them,
so what was found is kept as Python keeps its byte code, by the digest of the text.
"""

import ast
import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from sdd.errors import InputError
from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.digests import text_digest

# The environment that `uv run --script` makes for a script: a comment, but one that acts.
_SCRIPT_ENVIRONMENT = re.compile(r"^# /// script$.*?^# ///$", re.MULTILINE | re.DOTALL)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_WITH_BODIES = (ast.Module, ast.ClassDef, *_FUNCTIONS)


class _OnlyWhatRuns(ast.NodeTransformer):
    """Take docstrings and what stands below ``if TYPE_CHECKING:`` out of a syntax tree."""

    def visit(self, node: ast.AST) -> ast.AST | list[ast.stmt]:
        if isinstance(node, _WITH_BODIES):
            node.body = [statement for statement in node.body if not _is_text_alone(statement)]
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            return [kept for statement in node.orelse for kept in _as_list(self.visit(statement))]
        if isinstance(node, ast.expr):  # no statement is inside an expression
            return node
        visited: ast.AST = self.generic_visit(node)
        return visited


def _as_list(visited: ast.AST | list[ast.stmt]) -> list[ast.stmt]:
    return visited if isinstance(visited, list) else [visited]  # type: ignore[list-item]


def _is_text_alone(statement: ast.stmt) -> bool:
    """Tell whether a statement is a docstring, of whatever stands around or above it."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", None)
    return name == "TYPE_CHECKING"


class Import(NamedTuple):
    """One imported name: ``import name``, ``import name as ...``, ``from base import name``."""

    name: str
    base: str | None = None
    renamed: bool = False


@dataclass(frozen=True)
class Facts:
    """What is known of a file from its text.

    Attributes
    ----------
    behaviour
        Digest of what it does: comments, docstrings and layout do not count. Nor do the names that
        a package hands out: each counts by the module that defines it, and a further one would
        otherwise train everything again.
    own_names
        Names that the module itself gives a value, modules of its own package not counted.
    handed_out
        Names that a module level ``__getattr__`` may fetch, and where its tables say from.
    imports
        What is imported, in functions too, in the order of `ast.walk`; a call of ``import_module``
        is like ``import``.
    """

    behaviour: str
    own_names: frozenset[str]
    handed_out: dict[str, str]
    imports: tuple[Import, ...]


class KnownFacts:
    """Facts of files as they were when they were last looked at, in a file of JSON.

    What cannot be read or written is done without, as Python does with byte code.

    Parameters
    ----------
    path
        Of the file; None to keep nothing.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._new = False

    @cached_property
    def _held(self) -> dict[str, dict[str, Any]]:
        with suppress(OSError, ValueError):
            content = json.loads(self.path.read_bytes()) if self.path else None
            # What another version of this module found may be something else.
            if isinstance(content, dict) and content.get("by") == _own_digest():
                held: dict[str, dict[str, Any]] = content["files"]
                return held
        return {}

    def find(self, name: str, digest: str) -> Facts | None:
        """Return what is known of a file, if its text still has this digest."""
        entry = self._held.get(name)
        if entry is None or entry["text"] != digest:
            return None
        facts = entry["facts"]
        return Facts(
            behaviour=facts["behaviour"],
            own_names=frozenset(facts["own_names"]),
            handed_out=facts["handed_out"],
            imports=tuple(Import(*imported) for imported in facts["imports"]),
        )

    def keep(self, name: str, digest: str, facts: Facts) -> None:
        """Remember what was found."""
        written = {**asdict(facts), "own_names": sorted(facts.own_names)}
        self._held[name] = {"text": digest, "facts": written}
        self._new = True

    def save(self) -> None:
        """Write what is new, if there is any."""
        if self.path is None or not self._new or sys.dont_write_bytecode:
            return
        self._new = False
        content = json.dumps({"by": _own_digest(), "files": self._held})
        with suppress(InputError, OSError), atomic_path(self.path) as temporary:
            temporary.write_text(content, encoding="utf-8")


def facts_beside(folder: Path) -> KnownFacts:
    """Return the known facts of a package's files, which lie where its byte code lies."""
    byte_code = Path(importlib.util.cache_from_source(str(folder / "__init__.py")))
    return KnownFacts(byte_code.with_name("source_facts.json"))


def _own_digest() -> str:
    return text_digest(Path(__file__).read_text(encoding="utf-8"))


@dataclass(frozen=True)
class SourceFile:
    """A Python file, parsed at most once.

    Attributes
    ----------
    name
        Where it lies below the folder of all code, so that no two files are confused.
    module
        What it is imported as (`sdd.data.audio`); empty for a script.
    known
        Facts that were found before.
    """

    path: Path
    name: str
    module: str
    known: KnownFacts = field(default_factory=KnownFacts, compare=False, repr=False)

    @property
    def is_package(self) -> bool:
        """Whether it is the ``__init__`` of a package."""
        return self.path.name == "__init__.py"

    @cached_property
    def text(self) -> str:
        """Its source, as text."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def facts(self) -> Facts:
        """What it does and imports."""
        digest = text_digest(self.text)
        if (facts := self.known.find(self.name, digest)) is None:
            facts = _Syntax(self).facts()
            self.known.keep(self.name, digest, facts)
        return facts

    def absolute(self, module: str, level: int = 0) -> str:
        """Write a module's name in full; leading dots, or `level` of them, start from this one."""
        dots = len(module) - len(module.lstrip("."))
        if dots + level == 0:
            return module
        parts = self.module.split(".")
        base = parts[: len(parts) - (dots + level) + self.is_package]
        return ".".join([*base, *filter(None, module.lstrip(".").split("."))])


class _Syntax:
    """The syntax tree of a file, less docstrings and imports for type checking."""

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.tree = ast.parse(file.text, str(file.path))
        _OnlyWhatRuns().visit(self.tree)

    def facts(self) -> Facts:
        own_names = frozenset(self._bound(self.tree.body))
        handed_out = self._handed_out() if "__getattr__" in own_names else {}
        return Facts(self._behaviour(), own_names, handed_out, tuple(self._imports()))

    def _behaviour(self) -> str:
        environment = _SCRIPT_ENVIRONMENT.findall(self.file.text)
        parts = [_dump(node) for node in self.tree.body if not self._hands_out(node)]
        return text_digest("\n".join([*environment, *parts]))

    def _hands_out(self, node: ast.stmt) -> bool:
        if not self.file.is_package or not isinstance(node, ast.Assign):
            return False
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        return names in (["__all__"], ["__getattr__"])

    def _bound(self, body: list[ast.stmt]) -> Iterator[str]:
        for node in body:
            if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
                yield node.name
            elif isinstance(node, ast.Import):
                yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                if self.file.absolute(node.module or "", node.level) != self.file.module:
                    yield from (alias.asname or alias.name for alias in node.names)
            else:
                yield from _stored_names(node)
                for inner in ("body", "orelse", "finalbody", "handlers"):
                    yield from self._bound(getattr(node, inner, []))

    def _handed_out(self) -> dict[str, str]:
        tables = (
            node
            for statement in self.tree.body
            if isinstance(statement, ast.Assign | ast.AnnAssign)
            for node in ast.walk(statement)
            if isinstance(node, ast.Dict)
        )
        return {name: module for table in tables for name, module in _pairs(table)}

    def _imports(self) -> Iterator[Import]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(alias.name, renamed=alias.asname is not None)
            elif isinstance(node, ast.ImportFrom):
                base = self.file.absolute(node.module or "", node.level)
                yield from (Import(alias.name, base) for alias in node.names)
            elif name := _imported_by_call(node):
                yield Import(self.file.absolute(name), renamed=True)


def _dump(value: object) -> str:
    """Write a syntax tree as `ast.dump` does, but the same under every Python.

    Versions differ in whether they write fields that are empty, and add some that mostly are.
    """
    if isinstance(value, ast.Constant):
        return f"Constant({value.value!r})"
    if isinstance(value, ast.JoinedStr):  # some versions end a format with an empty text
        return f"JoinedStr({_dump([part for part in value.values if not _is_empty_text(part)])})"
    if isinstance(value, ast.AST):
        fields = ((name, held) for name, held in ast.iter_fields(value) if held not in (None, []))
        inner = ", ".join(f"{name}={_dump(content)}" for name, content in fields)
        return f"{type(value).__name__}({inner})"
    if isinstance(value, list):
        return f"[{', '.join(map(_dump, value))}]"
    return repr(value)


def _is_empty_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == ""


def _stored_names(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            yield part.id


def _pairs(table: ast.Dict) -> Iterator[tuple[str, str]]:
    """Read ``{name: module}`` and ``{module: (name, ...)}``."""
    for key, value in zip(table.keys, table.values, strict=True):
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            continue
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield key.value, value.value.partition(":")[0]
        elif isinstance(value, ast.Tuple | ast.List | ast.Set):
            names = (item.value for item in value.elts if isinstance(item, ast.Constant))
            yield from ((name, key.value) for name in names if isinstance(name, str))


def _imported_by_call(node: ast.AST) -> str | None:
    """Read the module of ``import_module("...")``."""
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        function = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
        name = function.id if isinstance(function, ast.Name) else function
        argument = node.args[0].value
        if name in ("import_module", "__import__") and isinstance(argument, str):
            return argument
    return None
