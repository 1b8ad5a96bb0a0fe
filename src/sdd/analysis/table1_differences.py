"""Differences of tables: measured minus paper, and the tables of recipes put into one."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sdd.analysis.columns import AVERAGES, IDENTITY
from sdd.analysis.table1 import domain_columns, identities, paper_values, value_columns
from sdd.errors import InputError
from sdd.metrics.estimates import Estimate
from sdd.runtime.csv_rows import read_rows

Intervals = Mapping[tuple[str, str, str, str], Estimate]
"""Mean EER in percent with its 95 % interval, by model, init, algorithm and column."""

_UNKNOWN = Estimate(math.nan)


def subtract_paper(
    table: pd.DataFrame, paper: pd.DataFrame, intervals: Intervals
) -> list[dict[str, Any]]:
    """List measured minus paper, with the measured figure's interval.

    Returns
    -------
    list of dict
        row, model, init, algorithm, column, eer_percent, low, high, paper, difference,
        difference_low, difference_high: percent and percentage points, for every cell of the
        table; NaN where something is not known. The paper prints no uncertainty, so an interval is
        that of the measured figure alone.

    Raises
    ------
    InputError
        If no row and column of the table is in the paper.
    """
    theirs = paper_values(table, paper)
    if theirs[value_columns(table)].isna().all(axis=None):
        raise InputError(
            f"None of the rows {', '.join(map(' '.join, identities(table)))} has a test set in the "
            "paper's table: there is nothing to subtract."
        )
    columns = [name for domain in _columns(table) for name in domain]
    rows = []
    for position in range(len(table)):
        model, init, algorithm = (str(table[name].iloc[position]) for name in IDENTITY)
        for column in columns:
            value, printed = (float(each[column].iloc[position]) for each in (table, theirs))
            measured = intervals.get((model, init, algorithm, column), _UNKNOWN)
            rows.append(
                {
                    "row": int(table["row"].iloc[position]),
                    **dict(zip(IDENTITY, (model, init, algorithm), strict=True)),
                    "column": column,
                    "eer_percent": value,
                    "low": measured.low,
                    "high": measured.high,
                    "paper": printed,
                    "difference": value - printed,
                    "difference_low": measured.low - printed,
                    "difference_high": measured.high - printed,
                }
            )
    return rows


def read_intervals(path: Path | str) -> dict[tuple[str, str, str, str], Estimate]:
    """Read intervals.csv, by model, init, algorithm and test set (or average)."""
    return {
        (row["model"], row["init"], row["algorithm"], row["test_set"]): Estimate(
            float(row["eer_percent"]), float(row["low"]), float(row["high"])
        )
        for row in read_rows(Path(path))
    }


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


def _columns(table: pd.DataFrame) -> list[list[str]]:
    """List the columns of each domain, its average last."""
    domains = zip(domain_columns(table), AVERAGES, strict=True)
    return [[*sets, average] for sets, average in domains if sets]
