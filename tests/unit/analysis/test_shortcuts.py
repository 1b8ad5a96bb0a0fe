"""Shortcuts: error rates of trivial features, with folds that keep clusters whole."""

import dataclasses
import math

import numpy as np
import pytest

from sdd.analysis.shortcuts import (
    COLUMNS,
    FeatureTable,
    read_features,
    shortcut_rows,
)
from sdd.data.trivial_features import write_features
from sdd.errors import InputError
from sdd.metrics.error_rates import eer
from tests.helpers.score_tables import segments, write_table

NAMES = ["duration.log_seconds", "level.rms_db", "pauses.pause_share"]


def feature_table(
    name: str = "a", segments: int = 200, clusters: int = 100, shift: float = 0.0, seed: int = 0
) -> FeatureTable:
    """Make normal numbers; real durations lie `shift` standard deviations above fake ones."""
    values = np.random.default_rng(seed).standard_normal((segments, len(NAMES)))
    real = np.arange(segments) % 2 == 0
    values[real, 0] += shift
    cluster = [f"c{number % clusters}" for number in range(segments)]
    return FeatureTable(name, name.upper(), values, NAMES, real, cluster, "speakers")


def rates(rows: list[dict[str, object]], trained_on: str = "itself") -> dict[str, float]:
    return {r["features"]: r["eer_percent"] for r in rows if r["trained_on"] == trained_on}


def test_a_shortcut_is_found_where_it_is_and_nowhere_else() -> None:
    rows = shortcut_rows([feature_table(shift=3.0)], None, replicates=40)
    assert all(tuple(row) == COLUMNS for row in rows)
    found = rates(rows)
    # At a distance of 3, the normal distribution beyond 1.5: 6.7 %.
    for group in ("all", "duration", "duration, level"):
        assert found[group] == pytest.approx(6.7, abs=4)
    for group in ("level", "pauses"):
        assert found[group] == pytest.approx(50, abs=15)
    assert {row["features"] for row in rows if row["flagged"] == "yes"} == {
        "all",
        "duration",
        "duration, level",
    }
    for row in rows:
        assert row["low"] < row["eer_percent"] < row["high"]
        assert (row["n_real"], row["n_fake"], row["clusters"], row["note"]) == (100, 100, 50, "")


def test_what_is_trained_on_another_set_is_applied_as_it_is() -> None:
    training = feature_table("train", shift=3.0, seed=1)
    same, turned = feature_table("b", shift=3.0, seed=2), feature_table("c", shift=-3.0, seed=3)
    rows = shortcut_rows([training, same, turned], training, replicates=40)
    of = {
        name: rates([r for r in rows if r["test_set"] == name], "train")["duration"]
        for name in ("b", "c")
    }
    # One feature: the order of its values is that of the scores, whatever the weights.
    real, values = same.real, same.values[:, 0]
    assert of["b"] == pytest.approx(100 * eer(values[real], values[~real])[0])
    assert of["c"] > 85
    assert {row["note"] for row in rows} == {""}  # clusters of one name, of other corpora
    # Of one corpus they are the same ones.
    again = dataclasses.replace(same, corpus=training.corpus)
    [note] = {
        r["note"]
        for r in shortcut_rows([again], training, replicates=8)
        if r["trained_on"] == "train"
    }
    assert note == "100 speakers are in train, too"
    # A set is not applied to itself.
    assert not rates([r for r in rows if r["test_set"] == "train"], "train")


def test_folds_keep_clusters_whole() -> None:
    """Else the classifier knows each cluster by heart, and finds a shortcut in pure noise."""
    generator = np.random.default_rng(0)
    values = np.tile(generator.standard_normal((40, 60)), (10, 1))
    real = np.arange(400) % 2 == 0
    names = [f"spectrum.band_{number}" for number in range(60)]
    cluster = [f"c{number % 40}" for number in range(400)]
    table = FeatureTable("a", "A", values, names, real, cluster, "speakers")
    assert rates(shortcut_rows([table], None, replicates=8))["all"] > 30


def test_results_are_the_same_each_time() -> None:
    tables = [feature_table(shift=1.0), feature_table("b", shift=1.0, seed=1)]
    assert shortcut_rows(tables, tables[0], replicates=20) == shortcut_rows(
        tables, tables[0], replicates=20
    )


def test_few_clusters_are_told() -> None:
    [row] = [
        row
        for row in shortcut_rows([feature_table(clusters=12)], None, replicates=8)
        if row["features"] == "all"
    ]
    assert row["note"] == "6 speakers of A: fewer than 10 give no interval"
    assert math.isnan(row["low"])
    table = dataclasses.replace(
        feature_table(), cluster=["one" if n % 2 else f"c{n}" for n in range(200)]
    )
    row = shortcut_rows([table], None, replicates=8)[0]
    assert math.isnan(row["eer_percent"])
    assert row["flagged"] == "no"
    assert row["note"].startswith("1 speakers of A: fewer than 2 of a class")


def test_features_are_read_with_the_clusters_of_their_segments(tmp_path) -> None:
    table = segments(["real", "fake", "fake"])
    table = dataclasses.replace(table, source=["x", "x", "y"], speaker=["ann", "-", "-"])
    write_table(table, tmp_path / "a.parquet")
    values = {"level.rms_db": np.array([1.0, 2, 3]), "duration.log_seconds": np.array([4.0, 5, 6])}
    write_features(tmp_path / "f.parquet", table, values)
    found = read_features(tmp_path / "f.parquet", tmp_path / "a.parquet", "A", "auto")
    assert found.values.tolist() == [[1, 4], [2, 5], [3, 6]]
    assert found.groups == {"all": [0, 1], "level": [0], "duration": [1], "duration, level": [0, 1]}
    assert found.cluster == ["speaker ann", "speaker ann", "recording y"]
    assert (found.name, found.fewest_clusters) == ("a", 1)


def test_features_of_other_segments_and_of_one_class_are_refused(tmp_path) -> None:
    write_table(segments(["real", "real"]), tmp_path / "a.parquet")
    values = {"level.rms_db": np.zeros(2)}
    write_features(tmp_path / "f.parquet", segments(["real"] * 2), values)
    with pytest.raises(InputError, match="has no fake segment"):
        read_features(tmp_path / "f.parquet", tmp_path / "a.parquet", "A", "auto")
    write_table(segments(["real", "fake", "real"]), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"f\.parquet is of other segments than"):
        read_features(tmp_path / "f.parquet", tmp_path / "a.parquet", "A", "auto")
