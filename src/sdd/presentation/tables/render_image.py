"""Table 1 as a picture: PNG for pages, PDF for print."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sdd.presentation.figures.style import mathtext, own_style, save_figure
from sdd.presentation.tables.arrangement import Arrangement, Row, Shown, as_arrangement

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Lengths in points.
_TEXT, _SMALL = 8.5, 6.2
_MARGIN = 10.0
_LINE, _SMALL_LINE = 15.0, 6.4
_HEADER_LINE = 16.0
_EER_WIDTH = 34.0
_CHECK_WIDTH = 31.0
_GAP = 7.0
_HEAVY, _MEDIUM, _THIN = 1.3, 0.8, 0.4


def write_image(
    table: pd.DataFrame | Arrangement,
    path: Path | str,
    *,
    title: str,
    notes: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    group_titles: tuple[str, str] | None = None,
    paper: pd.DataFrame | None = None,
    dpi: int = 200,
) -> None:
    """Draw a table in the paper's arrangement.

    Parameters
    ----------
    table
        As `sdd.analysis.table1.assemble_table` returns it, or an arrangement of one.
    path
        A .png or .pdf file; replaced whole or not at all. Equal tables give equal files.
    paper
        The paper's table: its values stand in small type under the measured ones where row and
        column match, and nowhere if none do.
    dpi
        Resolution of PNG, in pixels an inch.

    Raises
    ------
    InputError
        If the file's name ends otherwise.
    """
    arrangement = as_arrangement(table, labels=labels, group_titles=group_titles, paper=paper)
    with own_style():
        from matplotlib.figure import Figure

        figure = Figure()
        axes = figure.add_axes((0, 0, 1, 1))
        picture = _Picture(axes, arrangement)
        width, height = picture.draw(title, (arrangement.legend, *notes))
        figure.set_size_inches(width / 72, height / 72)
        # Points from the top left corner, so that everything keeps its size on paper.
        axes.set(xlim=(0, width), ylim=(height, 0))
        axes.axis("off")
        save_figure(figure, [path], dpi=dpi)


class _Picture:
    """Draws an arrangement downwards from the top; remembers how far it has come."""

    def __init__(self, axes: "Axes", arrangement: Arrangement) -> None:
        self._axes = axes
        self._arrangement = arrangement
        self._y = _MARGIN
        self._place_columns()

    def draw(self, title: str, notes: Sequence[str]) -> tuple[float, float]:
        """Draw everything; return the width and height that it takes, in points."""
        self._paragraph(title, 10.5, weight="bold")
        self._y += 5
        self._draw_header()
        for row in self._arrangement.rows:
            self._draw_row(row)
        self._rule(self._left, self._right, _HEAVY)
        self._y += 6
        for note in notes:
            self._paragraph(note, 7.5, color="#333333")
        return self._right + _MARGIN, self._y + _MARGIN

    def _place_columns(self) -> None:
        """Set the left edge of each column; columns of names are as wide as the longest name."""
        rows = self._arrangement.rows
        self._left = x = _MARGIN
        x += 4
        self._model = x
        x += self._longest(["Model", *(row.model for row in rows)], weight="bold") + 10
        others = self._longest(["Post-", *(row.post_trained for row in rows)])
        self._pre = x + _CHECK_WIDTH / 2
        x += _CHECK_WIDTH
        self._post = x + max(_CHECK_WIDTH, others + 6) / 2
        x += max(_CHECK_WIDTH, others + 6) + 4
        self._algorithm = x
        x += self._longest(["Fine-", *(row.algorithm for row in rows)]) + 8
        self._edges: list[float] = []
        self._widths: list[float] = []
        self._group_edges: list[tuple[float, float]] = []
        for group in self._arrangement.groups:
            x += _GAP
            # A long title widens its columns, never its neighbours.
            least = (self._longest([group.title]) + 8) / len(group.columns)
            first = x
            for column in group.columns:
                cells = [row.cells[len(self._edges)] for row in rows]
                small = [line for cell in cells for line in cell.below]
                self._edges.append(x)
                width = max(
                    _EER_WIDTH,
                    least,
                    self._longest([column.heading]) + 8,
                    self._longest(small) * _SMALL / _TEXT + 6,
                )
                self._widths.append(width)
                x += width
            self._group_edges.append((first, x))
        x += _GAP
        self._number = x + 12
        self._right = x + 24

    def _draw_header(self) -> None:
        top = self._y
        self._rule(self._left, self._right, _HEAVY)
        first, second = top + _HEADER_LINE / 2 + 1, top + 1.5 * _HEADER_LINE + 1
        for x, words, align in (
            (self._model, ("", "Model"), "left"),
            (self._pre, ("Pre-", "train"), "center"),
            (self._post, ("Post-", "train"), "center"),
            (self._algorithm, ("Fine-", "tune"), "left"),
            (self._number, ("Row", "ID"), "center"),
        ):
            # The two words of a heading stand closer together than the two lines of the header.
            self._text(x, first + 2.5, words[0], ha=align)
            self._text(x, second - 2.5, words[1], ha=align)
        for group, (left, right) in zip(self._arrangement.groups, self._group_edges, strict=True):
            self._text((left + right) / 2, first, group.title)
            self._y = top + _HEADER_LINE + 1
            self._rule(left + 2, right - 2, _THIN)
        for column, x, width in zip(
            self._arrangement.columns, self._edges, self._widths, strict=True
        ):
            self._text(x + width / 2, second, column.heading)
        self._y = top + 2 * _HEADER_LINE + 2

    def _draw_row(self, row: Row) -> None:
        height = self._row_height()
        top = self._y
        for index, x in enumerate(self._edges):
            self._shade(x, top, index, height, row.cells[index])
            self._draw_value(row.cells[index], index, x + self._widths[index] / 2, top, height)
        if row.model_span:
            self._rule(self._left, self._right, _MEDIUM)
            middle = top + row.model_span * height / 2
            self._text(self._model, middle, row.model, ha="left", weight="bold")
        elif row.training_span:
            self._rule(self._pre - _CHECK_WIDTH / 2, self._right, _THIN)
        if row.training_span:
            middle = top + row.training_span * height / 2
            self._text(self._pre, middle, row.pre_trained)
            self._text(self._post, middle, row.post_trained)
        self._text(self._algorithm, top + height / 2, row.algorithm, ha="left")
        self._text(self._number, top + height / 2, str(row.number), color="#444444")
        self._y = top + height

    def _draw_value(self, cell: Shown, index: int, x: float, top: float, height: float) -> None:
        colour = "white" if cell.white else "black"
        bold = self._arrangement.columns[index].average and not cell.missing
        # All lines together in the middle of the row.
        texts = [(cell.text, _TEXT)] if cell.text else []
        texts += [(line, _SMALL) for line in cell.below]
        y = top + height / 2 - sum(size for _, size in texts) / 2
        for text, size in texts:
            weight = "bold" if bold and size == _TEXT else "normal"
            self._text(x, y + size / 2, text, color=colour, weight=weight, fontsize=size)
            y += size

    def _row_height(self) -> float:
        return _LINE + _SMALL_LINE * self._arrangement.small_lines

    def _shade(self, x: float, top: float, index: int, height: float, cell: Shown) -> None:
        from matplotlib.patches import Rectangle

        if not cell.missing:
            self._axes.add_patch(
                Rectangle(
                    (x, top),
                    self._widths[index],
                    height,
                    facecolor=cell.colour,
                    linewidth=0,
                    # Otherwise hairs of white show between neighbours.
                    antialiased=False,
                )
            )

    def _rule(self, left: float, right: float, width: float) -> None:
        self._axes.plot(
            [left, right],
            [self._y, self._y],
            color="black",
            linewidth=width,
            solid_capstyle="butt",
            zorder=4,
        )

    def _text(self, x: float, y: float, text: str, **how: str | float) -> None:
        style: dict[str, Any] = {"ha": "center", "va": "center_baseline", "fontsize": _TEXT, **how}
        self._axes.text(x, y, mathtext(text), **style)

    def _paragraph(self, text: str, size: float, **how: str | float) -> None:
        # A character is about half as wide as it is high.
        characters = int((self._right - self._left) / (0.53 * size))
        for line in textwrap.wrap(text, characters):
            self._y += size * 0.75
            self._text(self._left, self._y, line, ha="left", fontsize=size, **how)
            self._y += size * 0.75

    def _longest(self, texts: Sequence[str], weight: str = "normal") -> float:
        """Return the width of the widest text, in points."""
        from matplotlib.font_manager import FontProperties
        from matplotlib.textpath import TextPath

        font = FontProperties(size=_TEXT, weight=weight)
        return max(
            (
                float(TextPath((0, 0), mathtext(text), prop=font).get_extents().x1)
                for text in texts
                if text
            ),
            default=0.0,
        )
