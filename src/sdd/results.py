"""The files of a cell: scores, embeddings, error rates and drift."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sdd.errors import InputError
from sdd.files import atomic_path
from sdd.metrics import eer
from sdd.segments import Segments

Score = Literal["logit", "probability"]


@dataclass(frozen=True)
class Scores:
    """A score table: N segments of a test set."""

    real: np.ndarray
    """[N] bool."""
    logits: np.ndarray
    """[N, 2] float32: index 0 FAKE, 1 REAL."""


def write_scores(path: Path, table: Segments, logits: np.ndarray) -> None:
    """Write a score table: segment_id, label, logit_fake, logit_real; atomically.

    Parameters
    ----------
    path
        Parquet file.
    table
        The segment table.
    logits
        [N, 2] float32, in its order.
    """
    _write_parquet(
        path,
        {
            "segment_id": table.segment_id,
            "label": table.label,
            "logit_fake": logits[:, 0],
            "logit_real": logits[:, 1],
        },
    )


def read_scores(path: Path) -> Scores:
    """Read a score table.

    Raises
    ------
    InputError
        If the file is no score table, or a score is not finite: the file and the segment.
    """
    columns = ["segment_id", "label", "logit_fake", "logit_real"]
    table = _read_parquet(path, columns).to_pydict()
    logits = np.array([table["logit_fake"], table["logit_real"]], dtype=np.float32).T
    broken = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if broken.size:
        segment = table["segment_id"][broken[0]]
        raise InputError(
            f"{path}: row {broken[0] + 1}, segment {segment!r} has a logit that is not finite; "
            "delete the file to have the set scored again"
        )
    return Scores(np.array(table["label"]) == "real", logits)


def write_embeddings(path: Path, table: Segments, embeddings: np.ndarray) -> None:
    """Write the embeddings of a set's fake segments, those that drift is measured on; atomically.

    Parameters
    ----------
    path
        Parquet file.
    table
        The segment table.
    embeddings
        [N, D] float32, in its order.
    """
    import pyarrow as pa

    fake = [row for row, label in enumerate(table.label) if label == "fake"]
    values = pa.array(embeddings[fake].ravel())
    _write_parquet(
        path,
        {
            "segment_id": [table.segment_id[row] for row in fake],
            "label": ["fake"] * len(fake),
            "embedding": pa.FixedSizeListArray.from_arrays(values, embeddings.shape[1]),
        },
    )


def read_embeddings(path: Path) -> np.ndarray:
    """Read an embedding table: [N, D] float32.

    Raises
    ------
    InputError
        If the file is no embedding table or has no rows.
    """
    column = _read_parquet(path, ["embedding"])["embedding"].combine_chunks()
    if len(column) == 0:
        raise InputError(f"{path}: no fake segment, so there is no drift to measure; choose a set")
    values: np.ndarray = column.flatten().to_numpy()
    return values.reshape(len(column), -1)


def measure_error_rates(paths: Sequence[Path], score: Score) -> list[dict[str, Any]]:
    """Measure the EER of each score table.

    Parameters
    ----------
    paths
        Score tables; a test set is named as its file.
    score
        What is ranked: the logit of REAL (paper 3.1), or the softmax probability of REAL in
        float32, as the released code does.

    Returns
    -------
    list of dict
        test_set, eer_percent, threshold, n_real, n_fake.

    Raises
    ------
    InputError
        If a set lacks one of the classes or a score is not finite: the file.
    """
    rows = []
    for path in paths:
        scores = read_scores(path)
        values = scores.logits[:, 1]
        if score == "probability":
            values = _probability_of_real(scores.logits)
        for label, there in (("real", scores.real.any()), ("fake", not scores.real.all())):
            if not there:
                raise InputError(f"{path}: no {label} segment; an EER needs both classes")
        rate, threshold = eer(values[scores.real], values[~scores.real])
        rows.append(
            {
                "test_set": path.stem,
                "eer_percent": 100 * rate,
                "threshold": threshold,
                "n_real": int(scores.real.sum()),
                "n_fake": int((~scores.real).sum()),
            }
        )
    return rows


def _probability_of_real(logits: np.ndarray) -> np.ndarray:
    """Softmax in float32, [N], less the maximum as PyTorch has it; near 1 it saturates."""
    odds = np.exp(logits - logits.max(axis=1, keepdims=True), dtype=np.float32)
    return np.asarray(odds[:, 1] / odds.sum(axis=1))


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as CSV with a header; atomically."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_cells(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Read a CSV of many cells; each row gets its cell's model, init, algorithm and round.

    Parameters
    ----------
    paths
        Files in cells' folders: ``.../{model}/{init}/{algorithm}/round{n}/{name}.csv``.
    """
    rows: list[dict[str, Any]] = []
    for path in paths:
        model, init, algorithm, number = path.parent.parts[-4:]
        cell = {
            "model": model,
            "init": init,
            "algorithm": algorithm,
            "round": int(number.removeprefix("round")),
        }
        with path.open(newline="", encoding="utf-8") as file:
            rows.extend({**cell, **row} for row in csv.DictReader(file))
    return rows


def _write_parquet(path: Path, columns: Mapping[str, Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with atomic_path(path) as temporary:
        pq.write_table(pa.table(dict(columns)), temporary)


def _read_parquet(path: Path, columns: list[str]) -> Any:  # noqa: ANN401 (pyarrow is untyped)
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
