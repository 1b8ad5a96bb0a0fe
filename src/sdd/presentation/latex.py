"""Shown texts as LaTeX."""

from sdd.presentation.labels import translate

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: f"\\{character}" for character in "$&#_%"},
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "✓": r"$\checkmark$",
    "×": r"$\times$",
    "→": r"$\rightarrow$",
    "β": r"$\beta$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "±": r"$\pm$",
    "−": r"$-$",
}


def latex_markup(text: str) -> str:
    """Return a shown text as LaTeX, its special characters escaped."""
    return translate(text, _escape, lambda piece: rf"\textsubscript{{{piece}}}")


def _escape(piece: str) -> str:
    return "".join(_SPECIAL.get(character, character) for character in piece)
