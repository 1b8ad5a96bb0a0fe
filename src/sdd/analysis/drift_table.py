"""A cell's drift table: every test set beside the reference set, with intervals."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sdd.errors import InputError
from sdd.metrics.drift import EXACT_CAP, Method, drift
from sdd.metrics.drift_interval import drift_interval, same_distribution_floor
from sdd.scoring.embedding_tables import Embeddings, read_embeddings


def measure_drifts(
    reference_set: Path,
    tests: Sequence[Path],
    *,
    method: Method,
    replicates: int,
    seed: int,
    threads: int = 1,
) -> list[dict[str, Any]]:
    """Measure how far the fakes of each test set are from those of the reference set.

    Settings are those of `sdd.metrics.drift_interval.drift_interval`.

    Parameters
    ----------
    reference_set, tests
        Embedding tables of one detector; a test set is named as its file.

    Returns
    -------
    list of dict
        test_set; drift, with its 95 % interval drift_low to drift_high (NaN where a set has one
        source); floor, the drift between two halves of the reference; n_fake, n_reference and how
        many sources they come from; n_fake_used, n_reference_used: less where `exact` draws a
        subsample.

    Raises
    ------
    InputError
        If a table cannot be read, has no fakes or repeats one, or widths differ: the file.
    """
    base = read_embeddings(reference_set)
    rows = []
    # Halves of the reference alone: the same for all test sets, so computed once.
    floor = same_distribution_floor(base.values, base.source, method=method, seed=seed)
    for path in tests:
        test = read_embeddings(path)
        _check_width(path, test, reference_set, base)
        # With sources, not utterances, as what is drawn: windows of one recording are alike.
        low, high = drift_interval(
            test.values,
            test.source,
            base.values,
            base.source,
            method=method,
            replicates=replicates,
            seed=seed,
            threads=threads,
        )
        rows.append(
            {
                "test_set": path.stem,
                "drift": drift(test.values, base.values, method=method, seed=seed),
                "drift_low": low,
                "drift_high": high,
                "floor": floor,
                **_counts(test, base, method),
            }
        )
    return rows


def _counts(test: Embeddings, base: Embeddings, method: Method) -> dict[str, int]:
    return {
        "n_fake": len(test.values),
        "n_reference": len(base.values),
        "n_fake_sources": len(set(test.source)),
        "n_reference_sources": len(set(base.source)),
        "n_fake_used": _used(test, method),
        "n_reference_used": _used(base, method),
    }


def _used(embeddings: Embeddings, method: Method) -> int:
    count = len(embeddings.values)
    return min(count, EXACT_CAP) if method == "exact" else count


def _check_width(path: Path, test: Embeddings, reference_set: Path, base: Embeddings) -> None:
    width, expected = test.values.shape[1], base.values.shape[1]
    if width != expected:
        raise InputError(
            f"{path} has embeddings of {width} dimensions but the reference {reference_set} of "
            f"{expected}: they are of different models; delete both to have them made again"
        )
