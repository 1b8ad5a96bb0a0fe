"""How all figures look, and how they are written.

Figures are matplotlib `Figure` objects without pyplot, so nothing is shared between calls; files
carry no date, so equal input gives equal files.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdd.errors import InputError
from sdd.presentation.labels import PAPER_LABELS, translate
from sdd.runtime.atomic_files import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# In the figure the model without fine-tuning is named, not crossed out as in the table.
FIGURE_LABELS: Mapping[str, str] = {**PAPER_LABELS, "none": "Post-trained"}
# These have no inside that could be left white.
SOLID_MARKERS = ("X", "P", "*")
_METADATA: Mapping[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


@dataclass(frozen=True)
class Style:
    """How the profile of an algorithm is drawn: by shade, dash and marker, so print suffices."""

    colour: str
    dashes: Any
    marker: str
    width: float = 1.6


# Post-trained grey and bold, SFT black and dotted as in the paper; the others from the palette of
# Okabe and Ito, which the colour-blind can tell apart, each with its own dash and marker.
_STYLES: Mapping[str, Style] = {
    "none": Style("#b4b4b4", "-", "", 5.0),
    "sft": Style("#000000", (0, (1, 1.6)), "o", 1.9),
    "grpo": Style("#0072b2", "-", "s"),
    "grpo_s": Style("#e69f00", (0, (6, 2)), "^"),
    "grpo_beta0": Style("#009e73", (0, (6, 2, 1.5, 2)), "v"),
    "grpo_beta1": Style("#d55e00", (0, (4, 2)), "D"),
    "grpo_noneg": Style("#aa3377", (0, (3, 1.5, 1, 1.5, 1, 1.5)), "X"),
    "sft-grpo": Style("#56b4e9", (0, (8, 2)), "P"),
    "sft-grpo_s": Style("#8c6d31", (0, (5, 1, 1, 1)), "<"),
}
_OTHER_STYLES = (
    Style("#cc79a7", (0, (7, 2, 2, 2)), "p"),
    Style("#6a51a3", (0, (2, 2)), ">"),
    Style("#7f7f7f", (0, (9, 3)), "h"),
    Style("#393b79", (0, (3, 3)), "*"),
    # From the muted palette of Tol, for the colour-blind as well.
    Style("#44aa99", (0, (5, 1.5)), "d"),
    Style("#882255", (0, (1, 2.5)), "8"),
    Style("#999933", (0, (7, 1.5, 1, 1.5)), "H"),
    Style("#cc6677", (0, (3, 1)), "1"),
    Style("#332288", (0, (10, 2)), "2"),
    Style("#117733", (0, (2, 1)), "3"),
    Style("#ddcc77", (0, (8, 1.5, 3, 1.5)), "4"),
)


def choose_styles(algorithms: Iterable[str]) -> dict[str, Style]:
    """Choose a style for each algorithm; own algorithms get the spare ones in turn."""
    names = list(dict.fromkeys(algorithms))
    unknown = [name for name in names if name not in _STYLES]
    spare = {name: _OTHER_STYLES[i % len(_OTHER_STYLES)] for i, name in enumerate(unknown)}
    return {name: _STYLES.get(name) or spare[name] for name in names}


def save_figure(figure: "Figure", paths: Sequence[Path | str], *, dpi: int = 200) -> None:
    """Write a figure to one or more files, each replaced whole or not at all.

    Parameters
    ----------
    paths
        Files ending in .png or .pdf.
    dpi
        Resolution of PNG, in pixels an inch.

    Raises
    ------
    InputError
        If a name ends otherwise.
    """
    targets = [Path(path) for path in paths]
    for target in targets:
        if target.suffix not in _METADATA:
            raise InputError(f"{target}: a figure is written as .png or .pdf, rename the file.")
    with own_style():
        for target in targets:
            with atomic_path(target) as temporary:
                figure.savefig(temporary, dpi=dpi, metadata=_METADATA[target.suffix])


@contextmanager
def own_style(size: float | None = None) -> Iterator[None]:
    """Apply matplotlib's defaults whatever the user's settings are; text in a PDF stays text.

    Parameters
    ----------
    size
        Of all text that has no size of its own, in points; None for those of pages.
    """
    from matplotlib import style

    one_size = ("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize")
    settings = {
        **({"font.size": 8.5} if size is None else dict.fromkeys(one_size, size)),
        "pdf.fonttype": 42,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.7,
        "xtick.major.width": 0.7,
        "ytick.major.width": 0.7,
        "mathtext.default": "regular",
    }
    with style.context(["default", settings]):
        yield


def mathtext(text: str) -> str:
    """Rewrite a shown text for matplotlib: dollars stay, subscripts are set by mathtext."""
    return translate(
        text,
        lambda piece: piece.replace("$", r"\$"),
        lambda piece: rf"$_{{\mathrm{{{piece}}}}}$",
    )


def plain(text: str) -> str:
    """Return a shown text without subscripts."""
    return translate(text, lambda piece: piece.replace("$", r"\$"), str)
