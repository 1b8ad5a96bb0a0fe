"""Tables of differences: measured minus paper, and recipes side by side."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sdd.analysis.table1 import IDENTITY, domain_columns, paper_values
from sdd.errors import InputError
from sdd.presentation.tables.arrangement import (
    MISSING,
    Layout,
    Shown,
    arrange_columns,
    arrange_rows,
    legend_of_gaps,
    shown_eer,
)

# Light enough for black text, and told apart by the colour-blind.
_LOWER, _HIGHER = (0.42, 0.68, 0.84), (0.99, 0.68, 0.38)
_FULL_COLOUR = 10.0
"""Percentage points."""

Interval = tuple[float, float]
Intervals = Mapping[tuple[str, str, str, str], Interval]
"""Low and high end of an EER in percent, by model, init, algorithm and column."""


def subtract_paper(
    table: pd.DataFrame, paper: pd.DataFrame, intervals: Intervals
) -> list[dict[str, Any]]:
    """List measured minus paper, with the measured figure's interval.

    Parameters
    ----------
    table, paper
        The measured table, and the paper's.
    intervals
        Of the measured figures.

    Returns
    -------
    list of dict
        row, model, init, algorithm, column, eer_percent, low, high, paper, difference,
        difference_low, difference_high: percent and percentage points, for every cell of the
        table; NaN where something is not known. The paper prints no uncertainty, so an interval is
        that of the measured figure alone.
    """
    theirs = paper_values(table, paper)
    columns = [name for domain in _columns(table) for name in domain]
    rows = []
    for position in range(len(table)):
        model, init, algorithm = (str(table[name].iloc[position]) for name in IDENTITY)
        for column in columns:
            value, printed = (float(one[column].iloc[position]) for one in (table, theirs))
            low, high = intervals.get((model, init, algorithm, column), (math.nan, math.nan))
            rows.append(
                {
                    "row": int(table["row"].iloc[position]),
                    **dict(zip(IDENTITY, (model, init, algorithm), strict=True)),
                    "column": column,
                    "eer_percent": value,
                    "low": low,
                    "high": high,
                    "paper": printed,
                    "difference": value - printed,
                    "difference_low": low - printed,
                    "difference_high": high - printed,
                }
            )
    return rows


def arrange_differences(
    table: pd.DataFrame,
    rows: Sequence[Mapping[str, Any]],
    *,
    labels: Mapping[str, str] | None = None,
    group_titles: tuple[str, str] | None = None,
) -> Layout:
    """Arrange measured minus paper as Table 1, each with its interval below it.

    Parameters
    ----------
    table
        The measured table.
    rows
        As `subtract_paper` gives them of it.
    labels, group_titles
        See `sdd.presentation.tables.arrangement.arrange`.
    """
    groups = arrange_columns(table, labels, group_titles)
    keys = [column.key for group in groups for column in group.columns]
    found = {(row["row"], row["column"]): row for row in rows}
    cells = [[_difference(found[int(n), key]) for key in keys] for n in table["row"]]
    legend = (
        "Measured minus paper, in percentage points of EER; below it the 95 % interval of the "
        "measured figure, over recordings and, with two rounds or more, over rounds. The paper "
        "prints no uncertainty. Orange: higher than the paper; blue: lower."
    )
    if all(cell.missing for row in cells for cell in row):
        legend += " No row and column of this table is both measured and in the paper."
    return Layout(groups, arrange_rows(table, cells, labels), legend + legend_of_gaps(cells))


def join_recipes(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put the tables of recipes into one, row by row, with a column `recipe` after `row`.

    Parameters
    ----------
    tables
        By the recipe's name; the same rows and columns.

    Raises
    ------
    InputError
        If rows or columns differ.
    """
    first, *others = tables.values()
    for name, other in zip(list(tables)[1:], others, strict=True):
        same = list(other.columns) == list(first.columns) and len(other) == len(first)
        if not same or not (other[list(IDENTITY)] == first[list(IDENTITY)]).all(axis=None):
            raise InputError(
                f"The table of recipe {name} has other rows or columns than that of "
                f"{next(iter(tables))}: make both of one config."
            )
    pieces = []
    for order, (recipe, table) in enumerate(tables.items()):
        piece = table.copy()
        piece.insert(1, "recipe", recipe)
        pieces.append(piece.assign(_order=order))
    joined = pd.concat(pieces).sort_values(["row", "_order"], kind="stable")
    return joined.drop(columns="_order").reset_index(drop=True)


def arrange_recipes(
    tables: Mapping[str, pd.DataFrame],
    paper: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    group_titles: tuple[str, str] | None = None,
) -> Layout:
    """Arrange the tables of recipes, the lines of one row of Table 1 below each other.

    Parameters
    ----------
    tables
        By the recipe's name.
    paper
        Its values stand in small type where rows and columns match.
    labels, group_titles
        See `sdd.presentation.tables.arrangement.arrange`.
    """
    joined = join_recipes(tables)
    table = joined.drop(columns="recipe")
    groups = arrange_columns(table, labels, group_titles)
    keys = [column.key for group in groups for column in group.columns]
    beside = [paper_values(one, paper)[keys].to_numpy(dtype=np.float64) for one in tables.values()]
    # A line for each recipe within a row.
    printed = np.stack(beside, axis=1).reshape(-1, len(keys))
    measured = table[keys].to_numpy(dtype=np.float64)
    cells = [
        [shown_eer(value, other) for value, other in zip(*pair, strict=True)]
        for pair in zip(measured.tolist(), printed.tolist(), strict=True)
    ]
    legend = "Equal error rate (EER) in percent, a line for each recipe; the darker, the higher."
    if any(cell.small for row in cells for cell in row):
        legend += " Small type: the value that the paper prints."
    variants = [recipe.replace("_", " ") for recipe in joined["recipe"]]
    rows = arrange_rows(table, cells, labels, variants)
    return Layout(groups, rows, legend + legend_of_gaps(cells))


def _columns(table: pd.DataFrame) -> list[list[str]]:
    """Columns of each domain, its average last."""
    averages = ("in_domain_avg", "out_of_domain_avg")
    domains = zip(domain_columns(table), averages, strict=True)
    return [[*sets, average] for sets, average in domains if sets]


def _difference(row: Mapping[str, Any]) -> Shown:
    value = float(row["difference"])
    if math.isnan(value):
        return Shown(MISSING)
    low, high = float(row["difference_low"]), float(row["difference_high"])
    small = "" if math.isnan(low) else f"[{_signed(low)}, {_signed(high)}]"
    depth = min(abs(value) / _FULL_COLOUR, 1.0)
    red, green, blue = (1 - depth * (1 - part) for part in (_HIGHER if value > 0 else _LOWER))
    return Shown(_signed(value), small, (red, green, blue))


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
