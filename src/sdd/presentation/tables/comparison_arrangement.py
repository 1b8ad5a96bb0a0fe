"""The arrangement of comparisons: rows of Table 1 two by two, on every test set."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from sdd.analysis.columns import AVERAGES, IDENTITY, Identity
from sdd.presentation.labels import PAPER_LABELS
from sdd.presentation.numbers import decimals, interval
from sdd.presentation.tables.arrangement import (
    MISSING,
    Arrangement,
    Shown,
    arrange_columns,
    arrange_rows,
    legend_of_gaps,
)
from sdd.presentation.tables.difference_arrangement import signed_shade

_LEGEND = (
    "One row of Table 1 less another, in percentage points of EER; below it the 95 % interval. "
    "Coloured where the interval leaves out zero: orange is higher, blue lower."
)
_ON_DEMAND = (
    "Show p values in each cell",
    "p: how often so large a difference comes by chance, corrected for the test sets of the pair "
    "(Holm).",
)


def arrange_comparisons(
    rows: Iterable[Mapping[str, Any]], contents: Mapping[str, Any]
) -> Arrangement:
    """Arrange comparisons.csv, a line for each pair of rows.

    Parameters
    ----------
    rows
        Of comparisons.csv.
    contents
        As `sdd.experiment.contents.table1` returns it.
    """
    found: dict[tuple[Identity, Identity], dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        a, b = (
            (row[f"model_{side}"], row[f"init_{side}"], row[f"algorithm_{side}"]) for side in "ab"
        )
        found.setdefault((a, b), {})[row["test_set"]] = row
    labels = contents["labels"]
    domains = zip((contents["in_domain"], contents["out_of_domain"]), AVERAGES, strict=True)
    sets = [name for members, average in domains for name in (*members, average)]
    # Models together, and their starts, whatever the order of the pairs.
    numbers = {identity: number for number, identity in enumerate(contents["rows"], start=1)}
    starts = list(dict.fromkeys((model, init) for model, init, _ in contents["rows"]))
    pairs = sorted(found, key=lambda pair: starts.index(pair[0][:2]))
    lines = [
        (number, a[0], a[1], _pair_name(a, b, {**PAPER_LABELS, **labels}))
        for number, (a, b) in enumerate(pairs, start=1)
    ]
    table = pd.DataFrame(lines, columns=["row", *IDENTITY]).reindex(
        columns=["row", *IDENTITY, *sets]
    )
    groups = arrange_columns(table, labels, contents["group_titles"])
    keys = [column.key for group in groups for column in group.columns]
    cells = [[_cell(found[pair].get(key)) for key in keys] for pair in pairs]
    arranged = [
        replace(row, number=f"{numbers[a]} − {numbers[b]}")
        for row, (a, b) in zip(arrange_rows(table, cells, labels), pairs, strict=True)
    ]
    return Arrangement(groups, tuple(arranged), _LEGEND + legend_of_gaps(cells), _ON_DEMAND)


def _pair_name(a: Identity, b: Identity, names: Mapping[str, str]) -> str:
    """Name what is compared, with what a row shares with the other left out."""
    first, second = (names.get(algorithm, algorithm) for _, _, algorithm in (a, b))
    if a[1] != b[1]:
        first, second = f"{first} ({a[1]})", f"{second} ({b[1]})"
    if a[0] != b[0]:
        second = f"{names.get(b[0], b[0])} {second}"
    return f"{first} − {second}"


def _cell(row: Mapping[str, Any] | None) -> Shown:
    value = math.nan if row is None else float(row["difference"])
    if row is None or math.isnan(value):
        return Shown(MISSING)
    low, high = float(row["low"]), float(row["high"])
    p_value = float(row.get("p_holm") or math.nan)
    told = low > 0 or high < 0
    return Shown(
        decimals(value, sign=True),
        interval(low, high, sign=True),
        signed_shade(value) if told else (1.0, 1.0, 1.0),
        more=() if math.isnan(p_value) else (f"p = {p_value:.2g}",),
    )
