"""The arrangement of the paper's Table 1, apart from any file format.

model | pre-train | post-train | fine-tune | in-domain sets, ave. | out-of-domain sets, ave. | row

Shown texts are as in `sdd.presentation.labels`; each renderer translates them into its own markup.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd

from sdd.analysis.columns import AVERAGES, IDENTITY
from sdd.analysis.table1 import domain_columns, paper_values
from sdd.presentation.labels import PAPER_LABELS
from sdd.presentation.numbers import NONE, decimals

MISSING = NONE
CHECK, CROSS = "✓", "×"

PAPER_GROUP_TITLES = ("DFE24 eva. set (in-domain)", "Other eva. sets (out-of-domain)")
_INTERVALS_ON_DEMAND = (
    "Show intervals and sources in each cell",
    "In brackets: 95 % interval of the mean over rounds; below it what was drawn anew for it, and "
    "how many of the class that has fewer. Below an average: the EER of all its sets under one "
    "threshold.",
)
_GENERAL_GROUP_TITLES = ("In-domain test sets", "Out-of-domain test sets")


@dataclass(frozen=True)
class Column:
    """A column of error rates."""

    key: str
    heading: str
    average: bool


@dataclass(frozen=True)
class Group:
    """The columns of one domain under their common title."""

    title: str
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Shown:
    """What stands in a cell: text, small text below it, and the cell's colour."""

    text: str
    small: str = ""
    """One line or several."""
    colour: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Red, green and blue, 0 to 1."""
    spread: str = ""
    """Deviation over rounds, below the text."""
    more: tuple[str, ...] = ()
    """Lines that a page shows on demand."""

    @property
    def below(self) -> tuple[str, ...]:
        """Lines of small text."""
        return tuple(line for line in (self.spread, *self.small.split("\n")) if line)

    @property
    def missing(self) -> bool:
        """Whether nothing was measured."""
        return self.text == MISSING

    @property
    def white(self) -> bool:
        """Whether the text is white."""
        return self.colour[0] == self.colour[1] == self.colour[2] and text_is_white(self.colour[0])


@dataclass(frozen=True)
class Row:
    """A row; a span is the number of rows that a merged cell covers, 0 where one above does."""

    number: int | str
    model: str
    model_span: int
    pre_trained: str
    post_trained: str
    training_span: int
    algorithm: str
    cells: tuple[Shown, ...]


@dataclass(frozen=True)
class Arrangement:
    """Everything that a renderer shows, in order.

    Attributes
    ----------
    groups, rows
        Left to right, top to bottom.
    legend
        One line that says what numbers, shades and signs mean.
    on_demand
        What asks for the lines that are shown on demand, and what they mean.
    """

    groups: tuple[Group, ...]
    rows: tuple[Row, ...]
    legend: str
    on_demand: tuple[str, str] = ("", "")

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns of error rates, left to right."""
        return tuple(column for group in self.groups for column in group.columns)

    @property
    def small_lines(self) -> int:
        """Lines of small text of the cell that has most."""
        return max((len(cell.below) for row in self.rows for cell in row.cells), default=0)

    @property
    def has_more(self) -> bool:
        """Whether any cell has more to show on demand."""
        return any(cell.more for row in self.rows for cell in row.cells)


def arrange(
    table: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    group_titles: tuple[str, str] | None = None,
    paper: pd.DataFrame | None = None,
    spread: pd.DataFrame | None = None,
    more: Mapping[tuple[int, str], Sequence[str]] | None = None,
) -> Arrangement:
    """Arrange a table as the paper does.

    Parameters
    ----------
    table
        As `sdd.analysis.table1.assemble_table` returns it.
    labels
        Shown text of models, algorithms and test sets; takes precedence over `PAPER_LABELS`. A
        name in neither is shown as it is.
    group_titles
        Of the in-domain and the out-of-domain columns. By default those of the paper if all
        in-domain sets are its Deepfake-Eval-2024 sets, general ones otherwise.
    paper
        Values to stand beside the measured ones where rows and columns match.
    spread
        Standard deviation over rounds of each value, in a table like `table`.
    more
        By row number and column: lines that a page shows on demand.

    Returns
    -------
    Arrangement
        A domain without test sets is left out.
    """
    groups = arrange_columns(table, labels, group_titles)
    keys = [column.key for group in groups for column in group.columns]
    measured = table[keys].to_numpy(dtype=np.float64).tolist()
    # Without the paper's table as where it has no such row: NaN, which is not shown.
    unknown = [[math.nan] * len(keys) for _ in measured]
    beside = unknown if paper is None else _numbers(paper_values(table, paper), keys)
    deviations = unknown if spread is None else _numbers(spread, keys)
    cells = [
        [
            shown_eer(value, printed, deviation, tuple((more or {}).get((int(number), key), ())))
            for key, value, printed, deviation in zip(keys, *lines, strict=True)
        ]
        for number, *lines in zip(table["row"], measured, beside, deviations, strict=True)
    ]
    legend = "Equal error rate (EER) in percent; the darker the cell, the higher."
    legend += _legend_of_small(beside, deviations)
    return Arrangement(
        groups,
        arrange_rows(table, cells, labels),
        legend + legend_of_gaps(cells),
        _INTERVALS_ON_DEMAND if more else ("", ""),
    )


def as_arrangement(
    table: pd.DataFrame | Arrangement,
    *,
    labels: Mapping[str, str] | None = None,
    group_titles: tuple[str, str] | None = None,
    paper: pd.DataFrame | None = None,
) -> Arrangement:
    """Arrange a table unless it is an arrangement already; arguments are those of `arrange`."""
    if isinstance(table, Arrangement):
        return table
    return arrange(table, labels=labels, group_titles=group_titles, paper=paper)


def shown_eer(
    value: float,
    paper: float = math.nan,
    deviation: float = math.nan,
    more: tuple[str, ...] = (),
) -> Shown:
    """Show an EER in its shade; in small type below it its deviation over rounds, and the paper's.

    Parameters
    ----------
    more
        Lines to show on demand.
    """
    spread = "" if math.isnan(deviation) else f"±{decimals(deviation)}"
    small = "" if math.isnan(paper) else decimals(paper)
    return Shown(number_text(value), small, (grey(value),) * 3, spread, more)


def _numbers(table: pd.DataFrame, keys: Sequence[str]) -> list[list[float]]:
    rows: list[list[float]] = table[list(keys)].to_numpy(dtype=np.float64).tolist()
    return rows


def _legend_of_small(paper: list[list[float]], deviations: list[list[float]]) -> str:
    """Say what stands in small type below the values, if anything does."""
    spread, printed = (not np.isnan(values).all() for values in (deviations, paper))
    text = " ±: standard deviation over rounds." if spread else ""
    if printed:
        text += f" Small type{' without ±' if spread else ''}: the value that the paper prints."
    return text


def legend_of_gaps(cells: Sequence[Sequence[Shown]]) -> str:
    """Say what a dash means, if there is one."""
    gaps = any(cell.missing for row in cells for cell in row)
    return " A dash: not measured." if gaps else ""


def arrange_columns(
    table: pd.DataFrame,
    labels: Mapping[str, str] | None,
    group_titles: tuple[str, str] | None,
) -> tuple[Group, ...]:
    """Arrange the columns of a table by domain; arguments are those of `arrange`."""
    names = {**PAPER_LABELS, **(labels or {})}
    domains = domain_columns(table)
    if group_titles is None:
        as_paper = bool(domains[0]) and all(name.startswith("dfe24_") for name in domains[0])
        group_titles = PAPER_GROUP_TITLES if as_paper else _GENERAL_GROUP_TITLES
    return tuple(
        Group(
            title,
            (
                *(Column(key, names.get(key, key), False) for key in test_sets),
                Column(average, "ave.", True),
            ),
        )
        for title, test_sets, average in zip(group_titles, domains, AVERAGES, strict=True)
        if test_sets
    )


def arrange_rows(
    table: pd.DataFrame,
    cells: Sequence[Sequence[Shown]],
    labels: Mapping[str, str] | None,
    variants: Sequence[str] | None = None,
) -> tuple[Row, ...]:
    """Arrange the rows of a table.

    Parameters
    ----------
    table
        Its first columns are row, model, init, algorithm.
    cells
        What stands in each of its rows.
    variants
        Of each row, what tells it from another row of the same algorithm.
    """
    names = {**PAPER_LABELS, **(labels or {})}
    models, inits, algorithms = (list(table[name]) for name in IDENTITY)
    # As in the paper, a model that was not fine-tuned shares no cell with those that were.
    trainings = [
        (model, init, algorithm == "none")
        for model, init, algorithm in zip(models, inits, algorithms, strict=True)
    ]
    model_spans, training_spans = _spans(models), _spans(trainings)
    suffixes = [f", {variant}" for variant in variants] if variants else [""] * len(models)
    return tuple(
        Row(
            number=int(number),
            model=names.get(models[i], models[i]),
            model_span=model_spans[i],
            pre_trained=CHECK,
            post_trained={"post": CHECK, "pre": CROSS}.get(inits[i], inits[i]),
            training_span=training_spans[i],
            algorithm=names.get(algorithms[i], algorithms[i]) + suffixes[i],
            cells=tuple(cells[i]),
        )
        for i, number in enumerate(table["row"])
    )


def grey(eer_percent: float) -> float:
    """Return the shade of a cell in the paper's Table 1.

    matplotlib's map `Greys` from 0.5 to 67 %, which was fitted to the paper's cells: it meets all
    of them within 0.007.

    Returns
    -------
    float
        1 (white) to 0 (black); 1 for NaN, since what is missing has no shade.
    """
    if math.isnan(eer_percent):
        return 1.0
    from matplotlib import colormaps

    position = (eer_percent - 0.5) / (67 - 0.5)
    return float(colormaps["Greys"](min(max(position, 0.0), 1.0))[0])


def text_is_white(shade: float) -> bool:
    """Tell whether white text contrasts more with a grey than black does (WCAG 2 luminance)."""
    luminance = shade / 12.92 if shade <= 0.04045 else ((shade + 0.055) / 1.055) ** 2.4
    return 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05


def number_text(eer_percent: float) -> str:
    """Return two decimals, as the paper prints them; a dash where nothing was measured."""
    return decimals(eer_percent)


def _spans(keys: Sequence[object]) -> list[int]:
    """Return the length of each run of equal keys at its first item, 0 at the others."""
    spans: list[int] = []
    for _, run in groupby(keys):
        length = len(list(run))
        spans += [length, *[0] * (length - 1)]
    return spans
