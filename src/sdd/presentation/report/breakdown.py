"""Errors by attack and by speaker, as tables of facts."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from sdd.presentation.labels import PAPER_LABELS
from sdd.presentation.numbers import decimals
from sdd.presentation.report.provenance import FactTable

SHOWN = 40
"""Groups of a table; breakdown.csv has all."""


def breakdown_tables(
    rows: Iterable[Mapping[str, Any]], labels: Mapping[str, str]
) -> list[FactTable]:
    """Tabulate what share of each group's fakes is accepted and of its real trials rejected.

    Parameters
    ----------
    rows
        Of breakdown.csv of cells (`sdd.analysis.cell_tables.read_cells`) of one model and start.
    labels
        Shown text of algorithms and test sets.
    """
    names = {**PAPER_LABELS, "none": "not fine-tuned", **labels}
    tables: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        tables.setdefault((row["test_set"], row["by"]), []).append(row)
    return [_table(name, by, members, names) for (name, by), members in tables.items()]


def _table(
    test_set: str, by: str, rows: Sequence[Mapping[str, Any]], names: Mapping[str, str]
) -> FactTable:
    algorithms = list(dict.fromkeys(row["algorithm"] for row in rows))
    groups = list(dict.fromkeys(row["group"] for row in rows))
    cells = {
        (group, algorithm): [
            row for row in rows if (row["group"], row["algorithm"]) == (group, algorithm)
        ]
        for group in groups
        for algorithm in algorithms
    }
    # The worst first, by what the last algorithm makes of them.
    ordered = sorted(groups, key=lambda group: -_error(cells[group, algorithms[-1]]))
    shown = [
        (
            group,
            *(cells[group, algorithms[0]][0][key] for key in ("n_real", "n_fake")),
            *(_rates(cells[group, algorithm]) for algorithm in algorithms),
        )
        for group in ordered[:SHOWN]
    ]
    remark = (
        "Fakes accepted / real rejected (%), mean over rounds, at the threshold where the test set "
        "as a whole has its EER. "
    )
    if by == "attack":
        remark += "Real trials are those of the whole set. "
    if len(groups) > SHOWN:
        remark += f"The {SHOWN} with most errors of {len(groups)}; breakdown.csv has all."
    columns = (by, "real", "fake", *(names.get(name, name) for name in algorithms))
    heading = f"{names.get(test_set, test_set)}, by {by}"
    return FactTable(heading, columns, tuple(shown), remark.strip())


def _mean(rows: Sequence[Mapping[str, Any]], key: str) -> float:
    values = [float(row[key]) for row in rows]
    return float(np.mean(values)) if values else math.nan


def _error(rows: Sequence[Mapping[str, Any]]) -> float:
    """Return the mean of both rates, of those that there are."""
    rates = [_mean(rows, key) for key in ("far_percent", "frr_percent")]
    known = [rate for rate in rates if not math.isnan(rate)]
    return float(np.mean(known)) if known else 0.0


def _rates(rows: Sequence[Mapping[str, Any]]) -> str:
    return " / ".join(decimals(_mean(rows, key), 1) for key in ("far_percent", "frr_percent"))
