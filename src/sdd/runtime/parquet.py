"""Tables as Parquet files, written at once or not at all, read without pandas."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sdd.errors import InputError
from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.foreign_files import PARQUET, foreign_kind, read_head, why_unopened


def write_parquet(path: Path, columns: Mapping[str, Any]) -> None:
    """Write columns as Parquet, by name: lists, arrays of numbers, or arrow arrays; atomically."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with atomic_path(path) as temporary:
        pq.write_table(pa.table(dict(columns)), temporary)


MADE_AGAIN = "delete it to have it made again"


def read_parquet(path: Path, columns: list[str], remedy: str | None = None) -> Any:  # noqa: ANN401 (pyarrow is untyped)
    """Read columns of a Parquet file as a ``pyarrow.Table``, without pandas.

    Parameters
    ----------
    remedy
        As of `open_parquet`.

    Raises
    ------
    InputError
        If the file is missing, truncated, no Parquet, or lacks a column.
    """
    import pyarrow as pa

    # pq.read_table would import pandas, which takes longer than reading.
    with open_parquet(path, remedy) as file:
        names = file.schema_arrow.names
        for name in columns:
            if names.count(name) != 1:
                found = "no column" if name not in names else "two columns"
                raise pa.ArrowInvalid(f"it has {found} {name!r}")
        table = file.read(columns)
        # Text that is not UTF-8 would be found only where it is looked at.
        table.validate(full=True)
    return table


@contextmanager
def open_parquet(path: Path, remedy: str | None = None) -> Iterator[Any]:
    """Open a Parquet file as a ``pyarrow.parquet.ParquetFile`` for a block.

    Parameters
    ----------
    remedy
        For the message, what to do about a file of the user's; None: it is the workflow's own.

    Raises
    ------
    InputError
        If the file is missing or no Parquet, or pyarrow finds it damaged within the block: in its
        tables, its numbers or its texts.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        what = foreign_kind(read_head(path))
        if remedy and what is not None and what[0] != PARQUET:
            raise InputError(f"{path} is {what[0]}, no Parquet file: {what[1]}.")
        with pq.ParquetFile(path) as file:
            yield file
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0][:200]
        todo = remedy or MADE_AGAIN
        if isinstance(error, PermissionError) or (remedy and isinstance(error, OSError)):
            reason, todo = why_unopened(path, error).split(": ", 1)
        raise InputError(f"{path} cannot be read ({reason}); {todo}") from error
