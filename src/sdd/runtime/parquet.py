"""Tables as Parquet files, written at once or not at all, read without pandas."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdd.errors import InputError
from sdd.runtime.atomic_files import atomic_path


def write_parquet(path: Path, columns: Mapping[str, Any]) -> None:
    """Write columns as Parquet, by name: lists, arrays of numbers, or arrow arrays; atomically."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with atomic_path(path) as temporary:
        pq.write_table(pa.table(dict(columns)), temporary)


def read_parquet(path: Path, columns: list[str]) -> Any:  # noqa: ANN401 (pyarrow is untyped)
    """Read columns of a Parquet file as a ``pyarrow.Table``, without pandas.

    Raises
    ------
    InputError
        If the file is missing, truncated, no Parquet, or lacks a column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # pq.read_table would import pandas, which takes longer than reading.
        with pq.ParquetFile(path) as file:
            missing = [name for name in columns if name not in file.schema_arrow.names]
            if missing:
                raise pa.ArrowInvalid(f"it has no column {missing[0]!r}")
            return file.read(columns)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path} cannot be read ({error}); delete it to have it made again") from (
            error
        )
