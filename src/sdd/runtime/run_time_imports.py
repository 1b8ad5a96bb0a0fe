"""Which of the library's files a file runs: what it imports, found from its text.

Followed is what Python executes: the packages around a module, imports inside functions, and the
defining module of a name that a package hands out only when it is asked for (a module level
``__getattr__`` with a table of names). Imports below ``if TYPE_CHECKING:`` are never executed.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

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


@dataclass(frozen=True)
class SourceFile:
    """A Python file, parsed once.

    Attributes
    ----------
    name
        Where it lies below the folder of all code, so that no two files are confused.
    module
        What it is imported as (`sdd.data.audio`); empty for a script.
    """

    path: Path
    name: str
    module: str

    @property
    def is_package(self) -> bool:
        """Whether it is the ``__init__`` of a package."""
        return self.path.name == "__init__.py"

    @cached_property
    def text(self) -> str:
        """Its source, as text."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree, less docstrings and imports for type checking."""
        tree = ast.parse(self.text, str(self.path))
        _OnlyWhatRuns().visit(tree)
        return tree

    @cached_property
    def behaviour(self) -> str:
        """Digest of what it does: comments, docstrings and layout do not count.

        Nor do the names that a package hands out: each counts by the module that defines it, and a
        further one would otherwise train everything again.
        """
        environment = _SCRIPT_ENVIRONMENT.findall(self.text)
        parts = [_dump(node) for node in self.tree.body if not self._hands_out(node)]
        return text_digest("\n".join([*environment, *parts]))

    def _hands_out(self, node: ast.stmt) -> bool:
        if not self.is_package or not isinstance(node, ast.Assign):
            return False
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        return names in (["__all__"], ["__getattr__"])

    @cached_property
    def own_names(self) -> frozenset[str]:
        """Names that the module itself gives a value, modules of its own package not counted."""
        return frozenset(self._bound(self.tree.body))

    def _bound(self, body: list[ast.stmt]) -> Iterator[str]:
        for node in body:
            if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
                yield node.name
            elif isinstance(node, ast.Import):
                yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                if self.absolute(node.module or "", node.level) != self.module:
                    yield from (alias.asname or alias.name for alias in node.names)
            else:
                yield from _stored_names(node)
                for inner in ("body", "orelse", "finalbody", "handlers"):
                    yield from self._bound(getattr(node, inner, []))

    @cached_property
    def handed_out(self) -> dict[str, str]:
        """Names that a module level ``__getattr__`` may fetch, and where its tables say from."""
        if "__getattr__" not in self.own_names:
            return {}
        tables = (
            node
            for statement in self.tree.body
            if isinstance(statement, ast.Assign | ast.AnnAssign)
            for node in ast.walk(statement)
            if isinstance(node, ast.Dict)
        )
        return {name: module for table in tables for name, module in _pairs(table)}

    def absolute(self, module: str, level: int = 0) -> str:
        """Write a module's name in full; leading dots, or `level` of them, start from this one."""
        dots = len(module) - len(module.lstrip("."))
        if dots + level == 0:
            return module
        parts = self.module.split(".")
        base = parts[: len(parts) - (dots + level) + self.is_package]
        return ".".join([*base, *filter(None, module.lstrip(".").split("."))])


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


@dataclass(frozen=True)
class Library:
    """A package of Python files, and what is executed when they are imported.

    Attributes
    ----------
    folder
        The package's folder (``src/sdd``).
    """

    folder: Path
    _files: dict[str, SourceFile | None] = field(default_factory=dict, repr=False)
    _imports: dict[str, tuple[SourceFile, ...]] = field(default_factory=dict, repr=False)

    def file(self, module: str) -> SourceFile | None:
        """Find the file of a module; None for modules that are not the library's."""
        if module not in self._files:
            self._files[module] = self._find(module)
        return self._files[module]

    def _find(self, module: str) -> SourceFile | None:
        parts = module.split(".")
        if parts[0] != self.folder.name:
            return None
        base = self.folder.joinpath(*parts[1:])
        for path in (base / "__init__.py", base.with_suffix(".py")):
            if path.is_file():
                name = path.relative_to(self.folder.parent).as_posix()
                return SourceFile(path, name, module)
        return None

    def modules(self) -> list[str]:
        """List all modules of the library."""
        names = []
        for path in sorted(self.folder.rglob("*.py")):
            parts = path.relative_to(self.folder.parent).with_suffix("").parts
            names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
        return names

    def imports(self, file: SourceFile) -> tuple[SourceFile, ...]:
        """List the files that a file's imports execute, before what those import in turn."""
        if file.name not in self._imports:
            found = dict.fromkeys(self._imported(file))
            self._imports[file.name] = tuple(other for other in found if other != file)
        return self._imports[file.name]

    def _imported(self, file: SourceFile) -> Iterator[SourceFile]:
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield from self._imported_by_name(alias)
            elif isinstance(node, ast.ImportFrom):
                base = file.absolute(node.module or "", node.level)
                yield from self._loading(base)
                for alias in node.names:
                    yield from self._member(base, alias.name)
            elif name := _imported_by_call(node):
                yield from self._whole(file.absolute(name))

    def _imported_by_name(self, alias: ast.alias) -> Iterator[SourceFile]:
        """List the files of ``import a.b.c``: any name of a, a.b and a.b.c may be used after it."""
        yield from self._whole(alias.name)
        parts = alias.name.split(".")
        for length in range(1, 1 if alias.asname else len(parts)):
            yield from self._whole(".".join(parts[:length]))

    def _loading(self, module: str) -> Iterator[SourceFile]:
        """List the files that loading a module executes: its packages and itself."""
        parts = module.split(".")
        for length in range(1, len(parts) + 1):
            if file := self.file(".".join(parts[:length])):
                yield file

    def _member(self, base: str, name: str) -> Iterator[SourceFile]:
        """List the files that ``from base import name`` executes beside those of `base`."""
        face = self.file(base)
        if face is None or name in face.own_names:
            return
        if name == "*":
            yield from self._whole(base)
        elif name in face.handed_out:
            yield from self._handed_out(face, name)
        elif face.is_package and self.file(f"{base}.{name}"):
            yield from self._whole(f"{base}.{name}")

    def _whole(self, module: str) -> Iterator[SourceFile]:
        """List the files of a module of which any name may be asked for later."""
        yield from self._loading(module)
        if face := self.file(module):
            for name in face.handed_out:
                yield from self._handed_out(face, name)

    def _handed_out(self, face: SourceFile, name: str) -> Iterator[SourceFile]:
        """List the files of a name that a package fetches; its table may leave out the package."""
        module = face.handed_out[name]
        inside = f"{face.module}.{module.lstrip('.')}"
        home = inside if self.file(inside) else face.absolute(module)
        yield from self._loading(home)
        yield from self._member(home, name)  # which may hand it out in turn


def _imported_by_call(node: ast.AST) -> str | None:
    """Read the module of ``import_module("...")``."""
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        function = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
        name = function.id if isinstance(function, ast.Name) else function
        argument = node.args[0].value
        if name in ("import_module", "__import__") and isinstance(argument, str):
            return argument
    return None
