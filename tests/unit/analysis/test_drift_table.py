"""The drift table of a cell by hand, and tables that do not fit together."""

import dataclasses
import math

import numpy as np
import pytest

from sdd.analysis.drift_table import measure_drifts, read_drifts, write_replicates
from sdd.errors import InputError
from sdd.metrics.drift import drift
from sdd.runtime.csv_rows import write_rows
from sdd.scoring.embedding_tables import write_embeddings
from tests.helpers.score_tables import segments, write_table


@pytest.fixture
def measure(tmp_path):
    """Measure sets against the first; each segment is a recording, unless speakers are given."""

    def run(speakers=None, **options):
        sets = options.pop("sets")
        tables, paths = {}, []
        for name, values in sets.items():
            values = np.array(values, dtype=np.float32)
            table = segments(["fake"] * len(values))
            if name in (speakers or {}):
                table = dataclasses.replace(table, speaker=speakers[name])
            path = tmp_path / "embeddings" / f"{name}.parquet"
            write_embeddings(path, table, values)
            tables[name] = tmp_path / f"{name}.parquet"
            write_table(table, tables[name])
            paths.append(path)
        settings = {"method": "mean", "replicates": 50, "seed": 0, **options}
        reference, *tests = paths
        corpora = {name: name for name in sets}
        return measure_drifts(
            reference, tests, tables, corpora, dict.fromkeys(sets, "auto"), **settings
        )

    return run


def test_table_by_hand(measure):
    rows, replicates = measure(
        sets={"asv19": [[0, 0], [1, 1]], "itw": [[1, 2], [2, 3], [2, 3], [1, 2]]}
    )
    [row] = rows
    assert row["test_set"] == "itw"
    assert row["distance"] == 1.5
    assert row["drift"] == pytest.approx(math.sqrt(1.5**2 - row["floor"] ** 2))
    assert 0 < row["floor"] < 1.5
    assert row["reference_spread"] == 0.5
    assert row["scale_free"] == pytest.approx(row["drift"] / 0.5)
    counts = ("n_fake", "n_reference", "clusters", "reference_clusters")
    assert [row[name] for name in counts] == [4, 2, 4, 2]
    assert (row["n_fake_used"], row["n_reference_used"]) == (4, 2)
    assert math.isnan(row["drift_low"])
    assert row["note"] == (
        "4 recordings (test), 2 recordings (reference): fewer than 10 give no interval"
    )
    assert replicates["itw"].shape == (50,)


def test_speakers_are_drawn_where_they_are_known(measure):
    generator = np.random.default_rng(0)
    sets = {"asv19": generator.normal(size=(60, 2)), "itw": generator.normal(1, 1, size=(60, 2))}
    speakers = {"itw": [f"speaker {number % 12}" for number in range(60)]}
    [row], _ = measure(sets=sets, speakers=speakers)
    assert (row["clusters"], row["drawn"]) == (12, "speakers")
    assert (row["reference_clusters"], row["reference_drawn"]) == (60, "recordings")
    assert row["note"] == "12 speakers (test): fewer than 40"
    assert row["drift_low"] < row["drift"] < row["drift_high"]
    [alone], _ = measure(sets=sets)
    assert alone["distance"] == row["distance"]
    assert alone["floor"] != row["floor"]


def test_drifts_are_read_back(measure, tmp_path):
    generator = np.random.default_rng(1)
    sets = {name: generator.normal(size=(20, 3)) for name in ("asv19", "itw", "dv")}
    rows, replicates = measure(sets=sets)
    write_rows(tmp_path / "drift.csv", rows)
    write_replicates(tmp_path / "drift.parquet", replicates)
    drifts = read_drifts(tmp_path / "drift.csv", tmp_path / "drift.parquet")
    assert list(drifts) == ["itw", "dv"]
    values = sets["dv"].astype(np.float32), sets["asv19"].astype(np.float32)
    assert drifts["dv"].distance == drift(*values)
    assert np.array_equal(drifts["dv"].replicates, replicates["dv"])
    assert drifts["dv"].corrected == rows[1]["drift"]
    assert drifts["dv"].clusters == 20


def test_subsample_of_the_exact_distance_is_stated(measure, monkeypatch):
    monkeypatch.setattr("sdd.analysis.drift_table.EXACT_CAP", 3)
    sets = {"asv19": [[0, 0], [1, 1]], "itw": [[1, 2], [2, 3], [2, 3], [1, 2]]}
    [row], _ = measure(sets=sets, method="exact", replicates=5)
    assert (row["n_fake"], row["n_fake_used"], row["n_reference_used"]) == (4, 3, 2)


def test_embeddings_of_two_models(measure):
    with pytest.raises(InputError, match=r"itw.* of 3 dimensions but the reference .*asv19.* of 2"):
        measure(sets={"asv19": [[0, 0], [1, 1]], "itw": [[1, 2, 3]]})


def test_reference_without_fakes(measure):
    with pytest.raises(InputError, match=r"asv19.*no fake segment.*reference_set"):
        measure(sets={"asv19": np.zeros((0, 2)), "itw": [[1, 2]]})
