"""The packages that hand out names to users."""

import ast
from pathlib import Path

FACES = ("sdd", "sdd.data.corpora", "sdd.detector", "sdd.metrics", "sdd.scoring")


def seen_by_type_checkers(face):
    """Name -> module, of the imports below `if TYPE_CHECKING:`."""
    tree = ast.parse(Path(face.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    return {alias.name: node.module for node in block.body for alias in node.names}
