"""Embeddings of fake segments, and tables that cannot be used."""

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sdd.errors import InputError
from sdd.scoring.embedding_tables import read_embeddings, write_embeddings
from tests.helpers.score_tables import segments


def test_embeddings_of_fake_segments_are_kept(tmp_path):
    path = tmp_path / "itw.parquet"
    embeddings = np.arange(12, dtype=np.float32).reshape(4, 3) / 7
    table = segments(["real", "fake", "real", "fake"])
    write_embeddings(path, table, embeddings)
    found = read_embeddings(path)
    assert found.values.dtype == np.float32
    np.testing.assert_array_equal(found.values, embeddings[[1, 3]])
    assert found.segment_id == found.source == ["s1", "s3"]
    written = pq.read_table(path)
    assert written["segment_id"].to_pylist() == ["s1", "s3"]
    assert written["label"].to_pylist() == ["fake", "fake"]
    assert written.schema.field("embedding").type == pa.list_(pa.float32(), 3)


def test_embeddings_without_a_fake_segment(tmp_path):
    path = tmp_path / "a.parquet"
    write_embeddings(path, segments(["real"]), np.ones((1, 3), dtype=np.float32))
    with pytest.raises(InputError, match="no fake segment") as caught:
        read_embeddings(path)
    assert str(path) in str(caught.value)


def test_embeddings_that_cannot_be_used(tmp_path):
    path = tmp_path / "a.parquet"
    values = np.ones((3, 2), dtype=np.float32)
    table = segments(["fake", "fake", "fake"])
    write_embeddings(path, dataclasses.replace(table, segment_id=["a", "b", "a"]), values)
    with pytest.raises(InputError, match="segment 'a' stands in row 1 and again in row 3"):
        read_embeddings(path)
    values[1, 1] = np.nan
    write_embeddings(path, table, values)
    with pytest.raises(InputError, match=r"embedding of segment 's1' \(row 2\) is not finite"):
        read_embeddings(path)


@pytest.mark.parametrize(
    "embedding",
    [
        pa.array([[1.0, 2.0], [1.0]], pa.list_(pa.float32())),
        pa.array([[1.0, 2.0], None], pa.list_(pa.float32(), 2)),
        pa.array([1.0, 2.0], pa.float32()),
    ],
)
def test_embeddings_of_several_widths(tmp_path, embedding):
    columns = {"segment_id": ["a", "b"], "source": ["a", "b"], "embedding": embedding}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="missing in places or of several widths"):
        read_embeddings(tmp_path / "a.parquet")


def test_truncated_embeddings(tmp_path):
    path = tmp_path / "a.parquet"
    write_embeddings(path, segments(["fake"]), np.ones((1, 3), dtype=np.float32))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match=r"cannot be read .* delete it") as caught:
        read_embeddings(path)
    assert str(path) in str(caught.value)
