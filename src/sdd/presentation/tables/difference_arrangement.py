"""The arrangement of tables of differences: measured minus paper, and recipes side by side."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sdd.analysis.table1 import paper_values
from sdd.analysis.table1_differences import join_recipes
from sdd.presentation.numbers import decimals, interval
from sdd.presentation.tables.arrangement import (
    MISSING,
    Arrangement,
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
NOT_IN_PAPER = "not in\nthe paper"


def arrange_differences(
    table: pd.DataFrame,
    rows: Sequence[Mapping[str, Any]],
    *,
    labels: Mapping[str, str] | None = None,
    group_titles: tuple[str, str] | None = None,
) -> Arrangement:
    """Arrange measured minus paper as Table 1, each with its interval below it.

    Parameters
    ----------
    rows
        As `sdd.analysis.table1_differences.subtract_paper` returns them of it.
    """
    groups = arrange_columns(table, labels, group_titles)
    keys = [column.key for group in groups for column in group.columns]
    found = {(row["row"], row["column"]): row for row in rows}
    cells = [[_difference(found[int(n), key]) for key in keys] for n in table["row"]]
    legend = (
        "Measured minus paper, in percentage points of EER; below it the 95 % interval of the "
        "measured figure, over test data and, with two rounds or more, over rounds. The paper "
        "prints no uncertainty. Orange: higher than the paper; blue: lower."
    )
    return Arrangement(groups, arrange_rows(table, cells, labels), legend + legend_of_gaps(cells))


def arrange_recipes(
    tables: Mapping[str, pd.DataFrame],
    paper: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    group_titles: tuple[str, str] | None = None,
) -> Arrangement:
    """Arrange the tables of recipes, the lines of one row of Table 1 below each other.

    Parameters
    ----------
    paper
        Its values stand in small type where rows and columns match.
    """
    joined = join_recipes(tables)
    lines = joined.drop(columns="recipe")
    groups = arrange_columns(lines, labels, group_titles)
    keys = [column.key for group in groups for column in group.columns]
    beside = [
        paper_values(table, paper)[keys].to_numpy(dtype=np.float64) for table in tables.values()
    ]
    # A line for each recipe within a row.
    printed = np.stack(beside, axis=1).reshape(-1, len(keys))
    measured = lines[keys].to_numpy(dtype=np.float64)
    cells = [
        [shown_eer(value, other) for value, other in zip(*pair, strict=True)]
        for pair in zip(measured.tolist(), printed.tolist(), strict=True)
    ]
    legend = "Equal error rate (EER) in percent, a line for each recipe; the darker, the higher."
    if any(cell.small for row in cells for cell in row):
        legend += " Small type: the value that the paper prints."
    variants = [recipe.replace("_", " ") for recipe in joined["recipe"]]
    rows = arrange_rows(lines, cells, labels, variants)
    return Arrangement(groups, rows, legend + legend_of_gaps(cells))


def signed_shade(value: float) -> tuple[float, float, float]:
    """Return the colour of a difference: orange above zero, blue below, the deeper the larger."""
    depth = min(abs(value) / _FULL_COLOUR, 1.0)
    red, green, blue = (1 - depth * (1 - part) for part in (_HIGHER if value > 0 else _LOWER))
    return red, green, blue


def _difference(row: Mapping[str, Any]) -> Shown:
    value = float(row["difference"])
    if math.isnan(value):
        measured, printed = (not math.isnan(float(row[key])) for key in ("eer_percent", "paper"))
        return Shown("", NOT_IN_PAPER) if measured and not printed else Shown(MISSING)
    low, high = float(row["difference_low"]), float(row["difference_high"])
    small = interval(low, high, sign=True)
    return Shown(decimals(value, sign=True), small, signed_shade(value))
