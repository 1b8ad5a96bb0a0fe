"""Grids of panels under one legend and above one caption."""

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from sdd.presentation.figures.style import Style, mathtext, own_style, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D


_LEGEND_POINTS = 8.0
# In inches.
_LEGEND_ENTRY = 1.4
_LEGEND_SAMPLE = 0.5
"""What stands beside a name, and the gaps around both."""
_TURNS = 3
"""Of a layout, after which nothing moves any more."""


@contextmanager
def panel_grid(
    titles: Sequence[str],
    *,
    columns: int,
    title: str,
    caption: str,
    styles: Mapping[str, Style],
    names: Mapping[str, str],
    markers: bool = False,
    panel: tuple[float, float] = (2.6, 2.1),
    share_rows: bool = False,
    titles_end: Literal["left", "right"] = "left",
) -> Iterator[tuple["Figure", list["Axes"]]]:
    """Draw into a grid of panels, filled row by row.

    Parameters
    ----------
    columns
        Panels beside each other.
    styles, names
        Of the algorithms in the legend, which may be none.
    markers
        Whether the legend shows markers, rather than lines.
    panel
        Width and height of a panel in inches.
    share_rows
        Whether all panels have the same vertical axis.
    titles_end
        The side of a panel where its title begins, or ends if there is room left of it for more.

    Yields
    ------
    figure, axes
        The axes of the panels, in order; the figure is whole after the block.
    """
    columns = max(1, min(columns, len(titles)))
    rows = math.ceil(len(titles) / columns)
    width = max(panel[0] * columns, 4.2)
    shown = [names.get(name, name) for name in styles]
    across = entries_of_a_line(shown, width, usual=_LEGEND_ENTRY)
    lines = textwrap.wrap(plain(caption), width=int(15.5 * width))
    with own_style():
        above = 0.36 + 0.18 * math.ceil(len(styles) / across)
        figure = make_figure(width, panel[1] * rows, above=above, lines=len(lines), pad=0.06)
        axes = figure.subplots(rows, columns, squeeze=False, sharey=share_rows).ravel().tolist()
        for unused in axes[len(titles) :]:
            unused.remove()
        for panel_axes, name in zip(axes, titles, strict=False):
            _prepare_panel(panel_axes, name, titles_end)
        yield figure, axes[: len(titles)]
        write_title(figure, title, 0.08)
        write_caption(figure, lines)
        if styles:
            handles = [_sample(style, name, markers=markers)
                       for style, name in zip(styles.values(), shown, strict=True)]  # fmt: skip
            _add_legend(figure, handles, min(len(styles), across))
        _settle(figure)


def entries_of_a_line(labels: Sequence[str], inches: float, *, usual: float) -> int:
    """Return how many entries of a legend stand side by side, as wide as the longest of them.

    Parameters
    ----------
    labels
        Shown texts.
    inches
        There are so many for a line.
    usual
        Inches of an entry, where none is longer.
    """
    from matplotlib.textpath import TextPath

    extents = (
        TextPath((0, 0), mathtext(label), size=_LEGEND_POINTS).get_extents() for label in labels
    )
    longest = _LEGEND_SAMPLE + max((extent.width for extent in extents), default=0.0) / 72
    return max(1, int(inches / max(usual, longest)))


def make_figure(width: float, height: float, *, above: float, lines: int, pad: float) -> "Figure":
    """Make a figure whose panels, laid out by matplotlib, leave room for the texts.

    A long caption makes the figure higher and not its panels smaller.

    Parameters
    ----------
    width, height
        Of all panels together, in inches.
    above
        Room for title and legend, in inches.
    lines
        Lines of the caption (`write_caption`).
    pad
        Gap left and right of a panel, in inches.
    """
    from matplotlib.figure import Figure

    below = (12 * lines + 8) / 72
    whole = height + below + above
    figure = Figure(figsize=(width, whole), layout="constrained")
    engine: Any = figure.get_layout_engine()
    engine.set(rect=(0, below / whole, 1, 1 - (below + above) / whole), w_pad=pad)
    return figure


def write_title(figure: "Figure", title: str, gap: float) -> None:
    """Write a shown text at the top of a figure, `gap` inches below its edge."""
    y = 1 - gap / figure.get_figheight()
    bold: dict[str, Any] = {"ha": "center", "va": "top", "fontsize": 10.5, "weight": "bold"}
    figure.text(0.5, y, mathtext(title), **bold)


def write_caption(figure: "Figure", lines: Sequence[str]) -> None:
    """Write the lines of a caption at the bottom of a figure."""
    y = 0.06 / figure.get_figheight()
    small: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": 8, "color": "#333333"}
    figure.text(0.5, y, "\n".join(lines), linespacing=1.35, **small)


def _prepare_panel(axes: "Axes", name: str, side: Literal["left", "right"]) -> None:
    axes.set_title(mathtext(name), fontsize=8.5, weight="bold", loc=side)
    axes.grid(color="#e4e4e4", linewidth=0.6)
    axes.set_axisbelow(True)


def _settle(figure: "Figure") -> None:
    """Lay out panels of a fixed aspect by turns: what is beside them moves with their size."""
    engine = figure.get_layout_engine()
    if engine is not None and any(axes.get_aspect() != "auto" for axes in figure.axes):
        for _ in range(_TURNS):
            engine.execute(figure)


def _add_legend(figure: "Figure", handles: Sequence["Line2D"], across: int) -> None:
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.01, 1 - 0.3 / figure.get_figheight()),
        borderaxespad=0,
        ncols=across,
        frameon=False,
        fontsize=_LEGEND_POINTS,
        handlelength=2.4,
        columnspacing=1.2,
    )


def _sample(style: Style, name: str, *, markers: bool) -> "Line2D":
    from matplotlib.lines import Line2D

    return Line2D(
        [],
        [],
        color=style.colour,
        linestyle="" if markers else style.dashes,
        linewidth=min(style.width, 3.0),
        marker=(style.marker or "o") if markers else "",
        markersize=5,
        label=mathtext(name),
    )
