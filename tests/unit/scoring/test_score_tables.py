"""Score tables survive writing and reading, and those that cannot be used are named."""

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sdd.errors import InputError
from sdd.runtime.csv_rows import write_rows
from sdd.scoring.score_tables import read_scores, write_scores
from tests.helpers.score_tables import segments, write
from tests.unit.analysis.test_cell_error_rates import rates


def test_scores_survive_writing_and_reading(tmp_path):
    path = tmp_path / "new" / "itw.parquet"
    logits = np.array([[1.5, -2.0], [0.1, 0.2], [-3e30, 1e-40]], dtype=np.float32)
    write_scores(path, segments(["real", "fake", "real"]), logits)
    scores = read_scores(path)
    assert scores.logits.dtype == np.float32
    np.testing.assert_array_equal(scores.logits, logits)
    assert scores.real.tolist() == [True, False, True]
    table = pq.read_table(path)
    assert table.column_names == ["segment_id", "label", "logit_fake", "logit_real"]
    assert table["segment_id"].to_pylist() == ["s0", "s1", "s2"]
    assert [str(table.schema.field(name).type) for name in ("logit_fake", "logit_real")] == [
        "float",
        "float",
    ]
    assert [file.name for file in path.parent.iterdir()] == ["itw.parquet"]


def test_rows_keep_their_order(tmp_path):
    table = segments(["real", "fake", "fake"]).select([2, 1, 0])
    write_scores(tmp_path / "a.parquet", table, np.array([[0, 1], [2, 3], [4, 5]], np.float32))
    assert pq.read_table(tmp_path / "a.parquet")["segment_id"].to_pylist() == ["s2", "s1", "s0"]
    assert read_scores(tmp_path / "a.parquet").real.tolist() == [False, False, True]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", [0, 1])
def test_logit_that_is_not_finite(tmp_path, value, column):
    logits = np.zeros((3, 2), dtype=np.float32)
    logits[1, column] = value
    write(tmp_path / "a.parquet", real=[(0, 0)], fake=[])
    write_scores(tmp_path / "a.parquet", segments(["real", "fake", "real"]), logits)
    with pytest.raises(InputError) as caught:
        rates([tmp_path / "a.parquet"], "logit")
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'a.parquet'}: row 2, segment 's1' ")
    assert "not finite" in message
    assert "delete the file to have the set scored again" in message


def broken_table(path, kind):
    """Leave a file that is no score table."""
    write(path, real=[(0, 1)], fake=[(1, 0)])
    if kind == "truncated":
        path.write_bytes(path.read_bytes()[:-20])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("segment_id,label\n", encoding="utf-8")
    elif kind == "missing":
        path.unlink()
    else:
        pq.write_table(pq.read_table(path).drop_columns(["logit_real"]), path)


@pytest.mark.parametrize("kind", ["truncated", "empty", "text", "missing", "without a column"])
def test_file_that_is_no_score_table(tmp_path, kind):
    path = tmp_path / "itw.parquet"
    broken_table(path, kind)
    with pytest.raises(InputError) as caught:
        read_scores(path)
    assert str(caught.value).startswith(f"{path} cannot be read (")
    assert "delete it to have it made again" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"segment_id": ["s0", "s1", "s1"]}, "segment 's1' stands in row 2 and again in row 3"),
        ({"segment_id": ["s0", None, "s2"]}, "row 2 has no segment ID"),
        ({"segment_id": ["s0", "", "s2"]}, "row 2 has no segment ID"),
        ({"label": ["real", "fake", "spoof"]}, "row 3, segment 's2' has label 'spoof'"),
        ({"label": ["real", None, "fake"]}, "row 2, segment 's1' has label None"),
    ],
)
def test_rows_that_cannot_be_used(tmp_path, changes, message):
    columns = {"segment_id": ["s0", "s1", "s2"], "label": ["real", "fake", "fake"]}
    numbers = {name: pa.array([0.0] * 3, pa.float32()) for name in ("logit_fake", "logit_real")}
    pq.write_table(pa.table({**columns, **changes, **numbers}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=message) as caught:
        read_scores(tmp_path / "a.parquet")
    assert str(caught.value).startswith(str(tmp_path / "a.parquet"))
    assert "delete the file to have the set scored again" in str(caught.value)


@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (pa.array([0.5, None], pa.float32()), "row 2, segment 's1' has a logit that is not finite"),
        (pa.array(["0.5", "high"]), "its logits are no numbers"),
    ],
)
def test_logits_that_are_no_numbers(tmp_path, logits, message):
    columns = {"segment_id": ["s0", "s1"], "label": ["real", "fake"], "logit_fake": logits}
    pq.write_table(pa.table({**columns, "logit_real": logits}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=message):
        read_scores(tmp_path / "a.parquet")


def test_numbers_are_written_unrounded(tmp_path):
    write_rows(tmp_path / "a.csv", [{"value": 0.1 + 0.2, "name": "größer, als"}])
    with Path(tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert float(row["value"]) == 0.1 + 0.2
    assert row["name"] == "größer, als"
