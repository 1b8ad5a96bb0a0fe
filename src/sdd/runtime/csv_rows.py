"""Rows as CSV files, written at once or not at all, without pandas."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from sdd.runtime.atomic_files import atomic_path


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
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        _write(file, rows, columns or list(rows[0]), quote_all=quote_all)


def format_csv(rows: Sequence[Mapping[str, Any]], *, quote_all: bool = False) -> str:
    """Return as text what `write_rows` writes."""
    text = io.StringIO(newline="")
    _write(text, rows, list(rows[0]), quote_all=quote_all)
    return text.getvalue()


def _write(
    file: TextIO, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, quote_all: bool
) -> None:
    quoting: Any = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    writer = csv.DictWriter(file, list(columns), quoting=quoting, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read the rows of a CSV with a header, by column; all values are text."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
