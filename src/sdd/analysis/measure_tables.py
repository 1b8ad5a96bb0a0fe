"""Tables of the shape of Table 1 of any column of eer.csv, and of the spread of its rounds."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sdd.analysis.columns import AVERAGES, IDENTITY, Identity

Rounds = dict[tuple[Identity, str], dict[str, float]]
"""Values of each round, by row of Table 1 and test set."""


def mean_table(
    cells: Iterable[Mapping[str, Any]],
    column: str,
    rows: Sequence[Identity],
    domains: Sequence[Sequence[str]],
) -> pd.DataFrame:
    """Average a column of the cells' eer.csv over rounds, and over the sets of each domain.

    Parameters
    ----------
    cells
        As `sdd.analysis.cell_tables.read_cells` returns them.
    column
        A column of eer.csv; where it is empty or missing, nothing was measured.
    rows
        Model, init and algorithm of each row, top to bottom.
    domains
        In-domain and out-of-domain test sets.

    Returns
    -------
    DataFrame
        Columns of `sdd.analysis.table1`. NaN where nothing was measured; an average is NaN if one
        of its sets is.
    """
    return _table(_rounds(cells, column), rows, domains, lambda values: float(np.mean(values)))


def spread_table(
    cells: Iterable[Mapping[str, Any]],
    column: str,
    rows: Sequence[Identity],
    domains: Sequence[Sequence[str]],
) -> pd.DataFrame:
    """Return the standard deviation over rounds of a column of the cells' eer.csv.

    Parameters are those of `mean_table`. Of an average it is the deviation of the rounds'
    averages. NaN with fewer than two rounds.
    """
    return _table(_rounds(cells, column), rows, domains, _deviation)


def _rounds(cells: Iterable[Mapping[str, Any]], column: str) -> Rounds:
    rounds: Rounds = {}
    for cell in cells:
        identity = (str(cell["model"]), str(cell["init"]), str(cell["algorithm"]))
        value = float(cell.get(column) or math.nan)
        if not math.isnan(value):
            rounds.setdefault((identity, cell["test_set"]), {})[str(cell["round"])] = value
    return rounds


def _table(
    rounds: Rounds,
    rows: Sequence[Identity],
    domains: Sequence[Sequence[str]],
    summary: Callable[[Sequence[float]], float],
) -> pd.DataFrame:
    records = []
    for number, identity in enumerate(rows, start=1):
        record: dict[str, Any] = {"row": number, **dict(zip(IDENTITY, identity, strict=True))}
        for sets, average in zip(domains, AVERAGES, strict=True):
            of_sets = [rounds.get((identity, name), {}) for name in sets]
            for name, values in zip([*sets, average], [*of_sets, _averages(of_sets)], strict=True):
                record[name] = summary(list(values.values())) if values else math.nan
        records.append(record)
    return pd.DataFrame(records)


def _averages(of_sets: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Average the sets of a domain in each round that all of them have."""
    common = set.intersection(*map(set, of_sets)) if of_sets else set()
    return {number: float(np.mean([values[number] for values in of_sets])) for number in common}


def _deviation(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
