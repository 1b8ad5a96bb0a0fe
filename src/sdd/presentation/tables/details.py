"""Table 1 with all that is known of its cells: spread of rounds, intervals, what was drawn."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from sdd.analysis.columns import AVERAGES
from sdd.analysis.measure_tables import mean_table, spread_table
from sdd.analysis.table1 import identities
from sdd.presentation.numbers import decimals, interval
from sdd.presentation.tables.arrangement import Arrangement, arrange

Lines = dict[tuple[int, str], tuple[str, ...]]
"""By row number and column."""


def arrange_measured(
    cells: Sequence[Mapping[str, Any]],
    intervals: Iterable[Mapping[str, Any]],
    paper: pd.DataFrame,
    contents: Mapping[str, Any],
) -> Arrangement:
    """Arrange Table 1 of the cells of an experiment.

    Parameters
    ----------
    cells
        As `sdd.analysis.cell_tables.read_cells` returns them of eer.csv.
    intervals
        Rows of intervals.csv.
    paper
        The paper's table.
    contents
        As `sdd.experiment.contents.table1` returns it.
    """
    shape = contents["rows"], (contents["in_domain"], contents["out_of_domain"])
    table = mean_table(cells, "eer_percent", *shape)
    pooled = mean_table(cells, "pooled_eer_percent", *shape)
    averages = [name for name in AVERAGES if name in pooled]
    return arrange(
        table,
        labels=contents["labels"],
        group_titles=contents["group_titles"],
        paper=paper,
        spread=spread_table(cells, "eer_percent", *shape),
        more=interval_lines(table, intervals, pooled[["row", *averages]]),
    )


def interval_lines(
    table: pd.DataFrame, intervals: Iterable[Mapping[str, Any]], pooled: pd.DataFrame | None = None
) -> Lines:
    """Word the interval of each cell.

    Parameters
    ----------
    table
        Table 1.
    intervals
        Rows of intervals.csv: low, high, clusters (or sources), and where they are there `drawn`,
        what these are, and `note`, what restricts the interval.
    pooled
        Pooled rates of averages, by row.
    """
    numbers = dict(zip(identities(table), table["row"].astype(int), strict=True))
    lines: Lines = {}
    for row in intervals:
        identity = (row["model"], row["init"], row["algorithm"])
        if identity in numbers:
            lines[numbers[identity], row["test_set"]] = _words(row)
    if pooled is not None:
        for key, value in _pooled(pooled).items():
            lines[key] = (*lines.get(key, ()), f"pooled {decimals(value)}")
    return lines


def _words(row: Mapping[str, Any]) -> tuple[str, ...]:
    shown = interval(float(row["low"] or math.nan), float(row["high"] or math.nan))
    count = row.get("clusters") or row.get("sources") or ""
    drawn = f"{count} {row.get('drawn') or 'sources'}" if count else ""
    return tuple(text for text in (shown, drawn, row.get("note") or "") if text)


def _pooled(pooled: pd.DataFrame) -> dict[tuple[int, str], float]:
    """Return the pooled rates that are known, by row number and average."""
    return {
        (int(number), name): float(value)
        for name in pooled.columns.drop("row")
        for number, value in zip(pooled["row"], pooled[name], strict=True)
        if not math.isnan(value)
    }
