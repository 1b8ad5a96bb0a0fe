"""Which of the library's files a file runs: what it imports, found from its text.

Followed is what Python executes: the packages around a module, imports inside functions, and the
defining module of a name that a package hands out only when it is asked for (a module level
``__getattr__`` with a table of names). Imports below ``if TYPE_CHECKING:`` are never executed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sdd.runtime.source_files import Import, KnownFacts, SourceFile


@dataclass(frozen=True)
class Library:
    """A package of Python files, and what is executed when they are imported.

    Attributes
    ----------
    folder
        The package's folder (``src/sdd``).
    known
        Facts of its files that were found before.
    """

    folder: Path
    known: KnownFacts = field(default_factory=KnownFacts, repr=False)
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
                return SourceFile(path, name, module, self.known)
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
        for imported in file.facts.imports:
            if imported.base is None:
                yield from self._imported_by_name(imported)
            else:
                yield from self._loading(imported.base)
                yield from self._member(imported.base, imported.name)

    def _imported_by_name(self, imported: Import) -> Iterator[SourceFile]:
        """List the files of ``import a.b.c``: any name of a, a.b and a.b.c may be used after it."""
        yield from self._whole(imported.name)
        parts = imported.name.split(".")
        for length in range(1, 1 if imported.renamed else len(parts)):
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
        if face is None or name in face.facts.own_names:
            return
        if name == "*":
            yield from self._whole(base)
        elif name in face.facts.handed_out:
            yield from self._handed_out(face, name)
        elif face.is_package and self.file(f"{base}.{name}"):
            yield from self._whole(f"{base}.{name}")

    def _whole(self, module: str) -> Iterator[SourceFile]:
        """List the files of a module of which any name may be asked for later."""
        yield from self._loading(module)
        if face := self.file(module):
            for name in face.facts.handed_out:
                yield from self._handed_out(face, name)

    def _handed_out(self, face: SourceFile, name: str) -> Iterator[SourceFile]:
        """List the files of a name that a package fetches; its table may leave out the package."""
        module = face.facts.handed_out[name]
        inside = f"{face.module}.{module.lstrip('.')}"
        home = inside if self.file(inside) else face.absolute(module)
        yield from self._loading(home)
        yield from self._member(home, name)  # which may hand it out in turn
