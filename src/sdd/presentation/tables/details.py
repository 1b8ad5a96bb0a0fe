"""Table 1 with all that is known of its cells: spread of rounds, intervals, what was drawn."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
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
    lines, remarks = interval_lines(table, intervals, pooled[["row", *averages]])
    arranged = arrange(
        table,
        labels=contents["labels"],
        group_titles=contents["group_titles"],
        paper=paper,
        spread=spread_table(cells, "eer_percent", *shape),
        more=lines,
    )
    asked, about = arranged.on_demand
    return replace(arranged, on_demand=(asked, " ".join([about, *remarks]).strip()))


def interval_lines(
    table: pd.DataFrame, intervals: Iterable[Mapping[str, Any]], pooled: pd.DataFrame | None = None
) -> tuple[Lines, list[str]]:
    """Word the interval of each cell.

    Parameters
    ----------
    table
        Table 1.
    intervals
        Rows of intervals.csv: low, high, clusters (or sources), and where they are there `drawn`,
        what these are, and `note`, what restricts the interval (parts after semicolons).
    pooled
        Pooled rates of averages, by row.

    Returns
    -------
    lines
        Of each cell; a number in parentheses stands for a part of its note.
    remarks
        These, each after its number.
    """
    numbers = dict(zip(identities(table), table["row"].astype(int), strict=True))
    # The same few notes restrict most cells: a cell has their number, not their words.
    notes: dict[str, int] = {}
    lines: Lines = {}
    for row in intervals:
        identity = (row["model"], row["init"], row["algorithm"])
        if identity in numbers:
            parts = [part for part in (row.get("note") or "").split("; ") if part]
            marks = [str(notes.setdefault(part, len(notes) + 1)) for part in parts]
            mark = f"({', '.join(marks)})" if marks else ""
            lines[numbers[identity], row["test_set"]] = _words(row, mark)
    if pooled is not None:
        for key, value in _pooled(pooled).items():
            lines[key] = (*lines.get(key, ()), f"pooled {decimals(value)}")
    return lines, [f"({number}) {note}." for note, number in notes.items()]


def _words(row: Mapping[str, Any], mark: str) -> tuple[str, ...]:
    shown = interval(float(row["low"] or math.nan), float(row["high"] or math.nan))
    count, drawn = row.get("clusters") or row.get("sources") or "", row.get("drawn") or "sources"
    # An average over corpora of which other things are drawn has none of its own.
    words = f"{count} or more" if "," in drawn else f"{count} {drawn}"
    drawn_line = f"{words} {mark}".strip() if count else mark
    return tuple(text for text in (shown or "no interval", drawn_line) if text)


def _pooled(pooled: pd.DataFrame) -> dict[tuple[int, str], float]:
    """Return the pooled rates that are known, by row number and average."""
    return {
        (int(number), name): float(value)
        for name in pooled.columns.drop("row")
        for number, value in zip(pooled["row"], pooled[name], strict=True)
        if not math.isnan(value)
    }
