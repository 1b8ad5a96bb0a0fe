"""Error rates that others published of the cells of Table 1, beside what was measured."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sdd.analysis.columns import IDENTITY, Identity
from sdd.analysis.table1 import domain_columns, identities
from sdd.errors import InputError
from sdd.runtime.number_text import parse_number
from sdd.runtime.text_tables import read_text_table

COLUMNS = (*IDENTITY, "test_set", "eer_percent", "source", "url", "note")


@dataclass(frozen=True)
class OtherFigure:
    """An EER in percent that somebody else published of a cell, where, and what is to be known."""

    identity: Identity
    test_set: str
    eer: float
    source: str
    url: str
    note: str


@dataclass(frozen=True)
class Beside:
    """A figure of others beside that of a table and of the paper; NaN where these have none."""

    other: OtherFigure
    measured: float
    paper: float


def read_other_figures(path: Path) -> list[OtherFigure]:
    """Read figures of others from CSV.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, or has an EER that is none: the row.
    """
    table = read_text_table(path, COLUMNS)
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise InputError(f"{path} has no column {', '.join(missing)}.")
    figures = []
    for line, row in zip(table.lines, table.records(), strict=True):
        rate = parse_number(row["eer_percent"])
        if rate is None or not 0 <= rate <= 100:
            raise InputError(
                f"{path}, row {line}: eer_percent is {row['eer_percent']!r}, no number from 0 to "
                "100; correct it."
            )
        identity = (row["model"], row["init"], row["algorithm"])
        figures.append(
            OtherFigure(identity, row["test_set"], rate, row["source"], row["url"], row["note"])
        )
    return figures


def beside_table(
    figures: Sequence[OtherFigure], table: pd.DataFrame, paper: pd.DataFrame
) -> list[Beside]:
    """Put the figures of others beside the same cells of a table.

    Parameters
    ----------
    table, paper
        Of `sdd.analysis.table1`.

    Returns
    -------
    list of Beside
        In the order of the table's rows and columns, of the cells that it has.
    """
    rows = list(identities(table))
    columns = [name for domain in domain_columns(table) for name in domain]
    found = [one for one in figures if one.identity in rows and one.test_set in columns]
    found.sort(key=lambda one: (rows.index(one.identity), columns.index(one.test_set)))
    return [Beside(one, _value(table, one), _value(paper, one)) for one in found]


def _value(table: pd.DataFrame, figure: OtherFigure) -> float:
    places = [place for place, row in enumerate(identities(table)) if row == figure.identity]
    if not places or figure.test_set not in table.columns:
        return math.nan
    return float(table[figure.test_set].iloc[places[0]])
