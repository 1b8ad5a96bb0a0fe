"""From the error rates of single cells to the table, and from there to and from CSV.

A table is a DataFrame with the columns of the paper's Table 1 as `resources/table1.csv` holds it:

    row, model, init, algorithm,
    <in-domain test sets>, in_domain_avg, <out-of-domain test sets>, out_of_domain_avg

EERs are in percent, unrounded. What has not been measured is NaN, never zero.
"""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sdd.analysis.columns import (
    AVERAGES,
    CELL_COLUMNS,
    IDENTITY,
    IN_DOMAIN_AVERAGE,
    OUT_OF_DOMAIN_AVERAGE,
    Identity,
)
from sdd.errors import InputError
from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.number_text import decimal_comma_hint, parse_number
from sdd.runtime.text_tables import read_text_table

_LEADING = ("row", *IDENTITY)

Measurement = tuple[str, str, str, int, str, float]


def assemble_table(
    cells: pd.DataFrame | Iterable[Measurement],
    rows: Sequence[Identity],
    in_domain: Sequence[str],
    out_of_domain: Sequence[str],
) -> pd.DataFrame:
    """Average the error rates of cells over rounds and over domains, in a given order.

    Parameters
    ----------
    cells
        A frame with the columns `CELL_COLUMNS`, or tuples in their order: model, init, algorithm,
        round, test set, EER in percent. NaN means not measured. Cells that belong to none of
        `rows` or test sets are ignored, so that a part of an experiment can be tabulated.
    rows
        (model, init, algorithm) of each row, top to bottom.
    in_domain, out_of_domain
        Test sets of each domain, left to right.

    Returns
    -------
    DataFrame
        One row for each of `rows`, numbered from 1. A value is the mean over the rounds that have
        been measured, NaN if there are none. A domain's average is the mean of its columns, NaN if
        one of them is (an average over some of the sets would not compare with the others).

    Raises
    ------
    InputError
        If a cell, a row or a test set is given twice, a column is missing, or an EER is outside
        0 to 100.
    """
    _refuse_repeats(rows, "row")
    _refuse_repeats([*in_domain, *out_of_domain], "test set")
    reserved = {*_LEADING, *AVERAGES}
    for test_set in (*in_domain, *out_of_domain):
        if test_set in reserved:
            raise InputError(
                f"A test set cannot be called {test_set!r}, which is a column of the table: "
                "rename it."
            )

    means = _means_over_rounds(_cell_frame(cells))
    records = []
    # Domain by domain: an average is of its own sets, and NaN as soon as one of them is.
    for number, identity in enumerate(rows, start=1):
        record: dict[str, object] = {"row": number, **dict(zip(IDENTITY, identity, strict=True))}
        for test_sets, average in zip((in_domain, out_of_domain), AVERAGES, strict=True):
            values = {name: means.get((*identity, name), math.nan) for name in test_sets}
            record |= values
            record[average] = float(np.mean(list(values.values()))) if values else math.nan
        records.append(record)
    columns = [*_LEADING, *in_domain, IN_DOMAIN_AVERAGE, *out_of_domain, OUT_OF_DOMAIN_AVERAGE]
    return pd.DataFrame(records, columns=columns)


def domain_columns(table: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return the test sets of a table, by domain.

    Returns
    -------
    in_domain, out_of_domain
        Names of the columns, without the averages.

    Raises
    ------
    InputError
        If the columns are not those of a table.
    """
    columns = [str(column) for column in table.columns]
    if (
        columns[: len(_LEADING)] != list(_LEADING)
        or columns[-1] != OUT_OF_DOMAIN_AVERAGE
        or columns.count(IN_DOMAIN_AVERAGE) != 1
    ):
        raise InputError(
            f"The columns {', '.join(columns)} are not those of a table: expected "
            f"{', '.join(_LEADING)}, in-domain test sets, {IN_DOMAIN_AVERAGE}, out-of-domain test "
            f"sets, {OUT_OF_DOMAIN_AVERAGE}."
        )
    # A domain's average stands right of its test sets: what is left of the first is in-domain.
    middle = columns.index(IN_DOMAIN_AVERAGE)
    in_domain = [name for name in columns[:middle] if name not in _LEADING]
    out_of_domain = [name for name in columns[middle:] if name not in AVERAGES]
    return in_domain, out_of_domain


def write_csv(table: pd.DataFrame, path: Path | str) -> None:
    """Write a table as CSV; values unrounded, NaN as an empty field."""
    domain_columns(table)
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def read_table(path: Path | str) -> pd.DataFrame:
    """Read a table from CSV.

    Parameters
    ----------
    path
        A file of `write_csv`, or the paper's numbers, `resources/table1.csv`.

    Returns
    -------
    DataFrame
        As `assemble_table` returns it; an empty field is NaN.

    Raises
    ------
    InputError
        If the columns are not those of a table, a value is not a number, or as
        `sdd.runtime.text_tables.read_text_table`.
    """
    # All as text first: an algorithm called "none" or a model called "NA" is not a missing value.
    read = read_text_table(Path(path), _LEADING)
    table = pd.DataFrame(read.rows, columns=read.columns, dtype="str")
    try:
        in_domain, out_of_domain = domain_columns(table)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    numeric = ["row", *in_domain, IN_DOMAIN_AVERAGE, *out_of_domain, OUT_OF_DOMAIN_AVERAGE]
    for column in numeric:
        values = []
        for line, text in zip(read.lines, table[column], strict=True):
            value = parse_number(text) if text.strip() else math.nan
            if value is None:
                raise InputError(
                    f"{path}, line {line}: {column} is {text!r}, not a number"
                    f"{decimal_comma_hint(text)}. Leave the field empty where nothing was measured."
                )
            values.append(value)
        table[column] = np.array(values, dtype=np.float64)
    if not np.isfinite(table["row"]).all():
        raise InputError(f"{path}: a row has no number in the column `row`. Number the rows.")
    table["row"] = table["row"].astype(np.int64)
    return table


def paper_values(table: pd.DataFrame, paper: pd.DataFrame) -> pd.DataFrame:
    """Return the values of the paper's table where its rows and columns match those of `table`.

    Parameters
    ----------
    paper
        Another table, whose rows and columns may be others.

    Returns
    -------
    DataFrame
        Rows and columns of `table`, values of `paper`. NaN where `paper` has no row of the same
        model, init and algorithm or no such test set; an average also where the two tables average
        over different test sets.

    Raises
    ------
    InputError
        If `paper` holds a row twice.
    """
    known = _by_identity(paper)
    comparable = {name for domain in domain_columns(paper) for name in domain}
    for average, ours, theirs in zip(
        AVERAGES, domain_columns(table), domain_columns(paper), strict=True
    ):
        if ours and set(ours) == set(theirs):
            comparable.add(average)

    result = table.copy()
    rows = identities(table)
    for column in value_columns(table):
        result[column] = [
            known[identity][column] if column in comparable and identity in known else math.nan
            for identity in rows
        ]
    return result


def value_columns(table: pd.DataFrame) -> list[str]:
    """List the columns of a table that hold error rates: test sets and averages."""
    return [str(column) for column in table.columns if column not in _LEADING]


def identities(table: pd.DataFrame) -> list[Identity]:
    """List (model, init, algorithm) of the rows of a table, top to bottom."""
    return list(zip(*(table[name] for name in IDENTITY), strict=True))


def _cell_frame(cells: pd.DataFrame | Iterable[Measurement]) -> pd.DataFrame:
    if not isinstance(cells, pd.DataFrame):
        return pd.DataFrame(list(cells), columns=list(CELL_COLUMNS))
    missing = [name for name in CELL_COLUMNS if name not in cells.columns]
    if missing:
        raise InputError(
            f"The cells lack the column {', '.join(missing)}: expected {', '.join(CELL_COLUMNS)}."
        )
    return cells


def _means_over_rounds(cells: pd.DataFrame) -> dict[tuple[str, str, str, str], float]:
    """Average the EER of each (model, init, algorithm, test set) over the rounds measured."""
    by_round: dict[tuple[str, str, str, str], dict[object, float]] = {}
    for model, init, algorithm, round_number, test_set, value in zip(
        *(cells[name] for name in CELL_COLUMNS), strict=True
    ):
        where = f"{model}, {init}, {algorithm}, round {round_number}, {test_set}"
        rounds = by_round.setdefault((model, init, algorithm, test_set), {})
        if round_number in rounds:
            raise InputError(f"The cell {where} is given twice: keep one of them.")
        percent = float(value)
        if not (math.isnan(percent) or 0 <= percent <= 100):
            raise InputError(f"The EER of {where} is {percent} %: it must lie within 0 and 100.")
        rounds[round_number] = percent
    means = {}
    for key, rounds in by_round.items():
        measured = [value for value in rounds.values() if not math.isnan(value)]
        means[key] = float(np.mean(measured)) if measured else math.nan
    return means


def _by_identity(table: pd.DataFrame) -> dict[Identity, dict[str, float]]:
    rows = identities(table)
    _refuse_repeats(rows, "row")
    columns = value_columns(table)
    values = table[columns].to_numpy(dtype=np.float64)
    return {
        identity: dict(zip(columns, line.tolist(), strict=True))
        for identity, line in zip(rows, values, strict=True)
    }


def _refuse_repeats(items: Sequence[object], kind: str) -> None:
    seen = set()
    for item in items:
        if item in seen:
            shown = ", ".join(item) if isinstance(item, tuple) else item
            raise InputError(f"The {kind} {shown} is given twice: keep one of them.")
        seen.add(item)
