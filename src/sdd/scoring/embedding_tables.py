"""Embedding tables: what drift is measured on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sdd.data.segments import Segments
from sdd.errors import InputError
from sdd.runtime.parquet import read_parquet, write_parquet
from sdd.scoring.score_tables import SCORE_AGAIN, check_unique


@dataclass(frozen=True)
class Embeddings:
    """An embedding table: N fake segments of a set."""

    segment_id: list[str]
    source: list[str]
    """What each was cut from, ``str [N]``."""
    values: np.ndarray
    """``float32 [N, D]``, pooled over frames."""


def write_embeddings(path: Path, table: Segments, embeddings: np.ndarray) -> None:
    """Write the embeddings of a set's fake segments, those that drift is measured on; atomically.

    Parameters
    ----------
    path
        Parquet file: segment_id, source, label, embedding.
    embeddings
        ``float32 [N, D]``, in its order.
    """
    import pyarrow as pa

    fake = np.flatnonzero(~table.is_real).tolist()
    values = pa.array(embeddings[fake].ravel())
    write_parquet(
        path,
        {
            "segment_id": [table.segment_id[row] for row in fake],
            "source": [table.source[row] for row in fake],
            "label": ["fake"] * len(fake),
            "embedding": pa.FixedSizeListArray.from_arrays(values, embeddings.shape[1]),
        },
    )


def read_embeddings(path: Path) -> Embeddings:
    """Read an embedding table.

    Raises
    ------
    InputError
        If the file is no embedding table, has no rows, has a segment twice, or an embedding is not
        finite: the file and the segment.
    """
    import pyarrow as pa

    table = read_parquet(path, ["segment_id", "source", "embedding"])
    column = table["embedding"].combine_chunks()
    if len(column) == 0:
        raise InputError(
            f"{path}: no fake segment, so there is no drift to measure; drift needs fakes in each "
            "test set and in the reference set (reference_set): choose others"
        )
    names = table["segment_id"].to_pylist()
    check_unique(path, names)
    if not pa.types.is_fixed_size_list(column.type) or column.null_count:
        raise InputError(
            f"{path}: its embeddings are missing in places or of several widths; {SCORE_AGAIN}"
        )
    values = column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1)
    broken = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if broken.size:
        raise InputError(
            f"{path}: the embedding of segment {names[broken[0]]!r} (row {broken[0] + 1}) is not "
            f"finite; {SCORE_AGAIN}"
        )
    return Embeddings(names, table["source"].to_pylist(), values)
