"""A cell's drift table: every test set beside the reference set, with intervals and replicates."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sdd.analysis.clusters import Rule, read_clusters
from sdd.errors import InputError
from sdd.metrics.drift import EXACT_CAP, Method
from sdd.metrics.drift_interval import ClusteredPoints, SampledDrift, sample_drift
from sdd.metrics.estimates import FEW_CLUSTERS, FEWEST_CLUSTERS
from sdd.runtime.csv_rows import read_rows
from sdd.runtime.parquet import read_parquet, write_parquet
from sdd.scoring.embedding_tables import read_embeddings


def measure_drifts(
    reference_set: Path,
    tests: Sequence[Path],
    tables: Mapping[str, Path],
    corpora: Mapping[str, str],
    clusters: Mapping[str, Rule],
    *,
    method: Method,
    replicates: int,
    seed: int,
    threads: int = 1,
) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """Measure how far the fakes of each test set are from those of the reference set.

    Settings are those of `sdd.metrics.drift_interval.sample_drift`.

    Parameters
    ----------
    reference_set, tests
        Embedding tables of one detector; a set is named as its file.
    tables
        By set: its segment table, the reference's too.
    corpora
        By set: its corpus.
    clusters
        By corpus: what is drawn (`clusters` of the config).

    Returns
    -------
    rows
        test_set; drift, corrected for what chance alone gives, with its 95 % interval drift_low to
        drift_high (NaN where there are too few clusters); distance, not corrected, as the paper
        has it; floor, the distance that chance alone gives at the sizes of these two sets;
        scale_free, the drift over the standard deviation of the reference's embeddings, which is
        reference_spread; largest_bias, what chance may have added to the distance; n_fake,
        n_reference; n_fake_used, n_reference_used: less where `exact` draws a subsample; clusters
        of the test set and of the reference, what is drawn of each, and a note.
    replicates
        ``float64 [b]`` by test set, of the distance.

    Raises
    ------
    InputError
        If a table cannot be read, has no fakes or repeats one, or widths differ: the file.
    """
    drawn = {name: read_clusters(path, clusters[corpora[name]]) for name, path in tables.items()}

    def read(path: Path) -> ClusteredPoints:
        of_segment = drawn[path.stem].of_segment
        embeddings = read_embeddings(path)
        names = [of_segment[segment] for segment in embeddings.segment_id]
        return ClusteredPoints(embeddings.values, names, corpora[path.stem])

    base = read(reference_set)
    rows, resampled = [], {}
    for path in tests:
        test = read(path)
        _check_width(path, test, reference_set, base)
        found = sample_drift(
            test, base, method=method, replicates=replicates, seed=seed, threads=threads
        )
        resampled[path.stem] = found.replicates
        words = [drawn[name].drawn for name in (path.stem, reference_set.stem)]
        rows.append({"test_set": path.stem, **_row(found), **_counts(test, base, method, words)})
    return rows, resampled


def write_replicates(path: Path, replicates: Mapping[str, np.ndarray]) -> None:
    """Write the replicates of a cell's drifts: a column a test set; atomically."""
    write_parquet(path, dict(replicates))


def read_drifts(rows: Path, replicates: Path) -> dict[str, SampledDrift]:
    """Read a cell's drifts, by test set.

    Parameters
    ----------
    rows, replicates
        As `measure_drifts` returns them, written as CSV and by `write_replicates`.
    """
    table = read_rows(rows)
    columns = read_parquet(replicates, [row["test_set"] for row in table])
    return {
        row["test_set"]: SampledDrift(
            float(row["distance"]),
            float(row["floor"]),
            np.array(columns[row["test_set"]].to_pylist(), dtype=np.float64),
            min(int(row["clusters"]), int(row["reference_clusters"])),
            float(row["reference_spread"]),
            float(row["largest_bias"]),
        )
        for row in table
    }


def _row(found: SampledDrift) -> dict[str, float]:
    interval = found.interval()
    return {
        "drift": found.corrected,
        "drift_low": interval.low,
        "drift_high": interval.high,
        "distance": found.distance,
        "floor": found.floor,
        "scale_free": found.corrected / found.spread if found.spread else math.nan,
        "reference_spread": found.spread,
        "largest_bias": found.bias,
    }


def _counts(
    test: ClusteredPoints, base: ClusteredPoints, method: Method, words: Sequence[str]
) -> dict[str, int | str]:
    counted = list(zip((test.count, base.count), words, ("test", "reference"), strict=True))
    fewest = min(test.count, base.count)
    few = [f"{count} {drawn} ({part})" for count, drawn, part in counted if count < FEW_CLUSTERS]
    least = f"{FEWEST_CLUSTERS} give no interval" if fewest < FEWEST_CLUSTERS else str(FEW_CLUSTERS)
    return {
        "n_fake": len(test.values),
        "n_reference": len(base.values),
        "n_fake_used": _used(test, method),
        "n_reference_used": _used(base, method),
        "clusters": test.count,
        "drawn": words[0],
        "reference_clusters": base.count,
        "reference_drawn": words[1],
        "note": f"{', '.join(few)}: fewer than {least}" if few else "",
    }


def _used(points: ClusteredPoints, method: Method) -> int:
    count = len(points.values)
    return min(count, EXACT_CAP) if method == "exact" else count


def _check_width(
    path: Path, test: ClusteredPoints, reference_set: Path, base: ClusteredPoints
) -> None:
    width, expected = test.values.shape[1], base.values.shape[1]
    if width != expected:
        raise InputError(
            f"{path} has embeddings of {width} dimensions but the reference {reference_set} of "
            f"{expected}: they are of different models; delete both to have them made again"
        )
