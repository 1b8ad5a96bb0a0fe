"""The drift table of a cell by hand, and tables that do not fit together."""

import numpy as np
import pytest

from sdd.analysis.drift_table import measure_drifts
from sdd.errors import InputError
from sdd.scoring.embedding_tables import write_embeddings
from tests.helpers.score_tables import segments


@pytest.fixture
def tables(tmp_path):
    """Write embedding tables; each segment is a source."""

    def write(name, values):
        values = np.array(values, dtype=np.float32)
        write_embeddings(tmp_path / f"{name}.parquet", segments(["fake"] * len(values)), values)
        return tmp_path / f"{name}.parquet"

    return write


def test_table_by_hand(tables):
    reference = tables("asv19", [[0, 0], [1, 1]])
    rows = measure_drifts(
        reference,
        [tables("itw", [[1, 2], [2, 3], [2, 3], [1, 2]]), reference],
        method="mean",
        replicates=50,
        seed=0,
    )
    first, same = rows
    assert first["test_set"] == "itw"
    assert first["drift"] == 1.5
    assert same["drift"] == 0
    assert first["floor"] == same["floor"] == 1  # a half is one point
    assert first["drift_low"] < 1.5 < first["drift_high"]
    counts = ("n_fake", "n_reference", "n_fake_sources", "n_reference_sources")
    assert [first[name] for name in counts] == [4, 2, 4, 2]
    assert (first["n_fake_used"], first["n_reference_used"]) == (4, 2)


def test_subsample_of_the_exact_distance_is_stated(tables, monkeypatch):
    monkeypatch.setattr("sdd.analysis.drift_table.EXACT_CAP", 3)
    reference = tables("asv19", [[0, 0], [1, 1]])
    test = tables("itw", [[1, 2], [2, 3], [2, 3], [1, 2]])
    (row,) = measure_drifts(reference, [test], method="exact", replicates=5, seed=0)
    assert (row["n_fake"], row["n_fake_used"], row["n_reference_used"]) == (4, 3, 2)


def test_embeddings_of_two_models(tables):
    reference, test = tables("asv19", [[0, 0], [1, 1]]), tables("itw", [[1, 2, 3]])
    with pytest.raises(InputError, match=r"itw.* of 3 dimensions but the reference .*asv19.* of 2"):
        measure_drifts(reference, [test], method="mean", replicates=5, seed=0)


def test_reference_without_fakes(tables):
    reference = tables("asv19", np.zeros((0, 2)))
    with pytest.raises(InputError, match=r"asv19.*no fake segment.*reference_set"):
        measure_drifts(reference, [tables("itw", [[1, 2]])], method="mean", replicates=5, seed=0)
