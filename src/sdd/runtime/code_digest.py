"""A digest of what library modules do, so that results follow their code.

Snakemake reruns a job when its parameters change, but does not see edits of imported modules. Rules
therefore carry, as a parameter, a digest of the behaviour of the modules their script uses.
Comments, docstrings and layout do not count: they are not in the abstract syntax tree, or are taken
out of it.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
SCRIPTS = PACKAGE.parents[1] / "workflow/scripts"


def code_digest(script: str) -> str:
    """Digest a workflow script and every library module that it imports, directly or not.

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
    FileNotFoundError
        If there is no such script.
    """
    seen: set[Path] = set()
    pending = [SCRIPTS / f"{script}.py"]
    while pending:
        path = pending.pop()
        if path not in seen:
            seen.add(path)
            pending.extend(_imports(path))
    digest = hashlib.sha256()
    for path in sorted(seen):
        digest.update(f"{path.name}\n{_behaviour(path)}\n".encode())
    return digest.hexdigest()[:16]


def _find_module(module: str) -> Path | None:
    path = PACKAGE.joinpath(*module.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((candidate for candidate in candidates if candidate.is_file()), None)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(path: Path) -> list[Path]:
    """List the files of the library modules that a module imports, wherever it does so."""
    found: list[Path] = []
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from sdd.detector import encoder` may name a module or a member of one.
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        ours = (name.removeprefix("sdd.") for name in names if name.startswith("sdd."))
        found.extend(path for path in map(_find_module, ours) if path)
    return found


@cache
def _behaviour(path: Path) -> str:
    """Dump a module's syntax tree without its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(
            node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        ) and isinstance(ast.get_docstring(node, clean=False), str):
            node.body = node.body[1:]
    return ast.dump(tree)
