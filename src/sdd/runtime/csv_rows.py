"""Rows as CSV files, written at once or not at all, without pandas."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.text_tables import read_own_table


def write_rows(
    path: Path,
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str] | None = None,
    *,
    quote_all: bool = False,
) -> None:
    """Write rows with a header, the keys of the first row or `columns`; atomically.

    Parameters
    ----------
    quote_all
        Also quote what needs no quotes: for tables of file names.
    """
    quoting: Any = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(
            file, list(columns or rows[0]), quoting=quoting, lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read the rows of a CSV of ours with a header, by column; all values are text.

    Raises
    ------
    InputError
        If the file cannot be read, or was changed so that it is no such table.
    """
    return read_own_table(path).records()
