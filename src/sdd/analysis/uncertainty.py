"""Intervals of the figures of Table 1, and tests of whether two of its rows differ.

Everything comes from the score tables of the cells. The same resamplings of sources serve all
cells and all test sets cut from one corpus, so that rows are compared on the same trials.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sdd.analysis.columns import AVERAGES, IDENTITY, Identity
from sdd.data.segments import read_segments
from sdd.experiment import tree
from sdd.metrics.bootstrap import (
    REPLICATES,
    FloatArray,
    RankedTrials,
    source_keys,
    weight_chunks,
)
from sdd.metrics.estimates import Rounds, average, difference_of_means, mean_over_rounds
from sdd.metrics.permutation import errors_by_source, holm, permutation_test
from sdd.scoring.score_tables import Score, ranked_scores, read_scores

Pair = tuple[Identity, Identity]
ScoreTables = Mapping[str, Path]
"""Score tables of a cell, by test set."""

COMPARISON_COLUMNS = (
    *("model_a", "init_a", "algorithm_a", "model_b", "init_b", "algorithm_b", "test_set"),
    *("eer_a", "eer_b", "difference", "low", "high", "p_value", "p_holm"),
)


@dataclass(frozen=True)
class Measured:
    """One row of the table on one test set, or on the average of some. All in percent."""

    rounds: Rounds
    errors: Mapping[str, float]
    """What each source contributes to the EER, mean over rounds; by corpus and source."""
    sources: int
    """Sources of the class that has fewer."""


def measure_table1(
    results: Path,
    recipe: str,
    tables: Sequence[Path],
    settings: Mapping[str, Any],
) -> dict[Identity, dict[str, Measured]]:
    """Measure every row of a recipe's Table 1 on every test set, and on their averages.

    Parameters
    ----------
    results, recipe
        results/{name}, and the recipe whose scores are looked at.
    tables
        Segment table of each test set, which is named as its file.
    settings
        As `sdd.experiment.settings.uncertainty` returns them.

    Returns
    -------
    dict
        By row and test set.
    """
    rows = {row["identity"]: row for row in settings["rows"]}
    measured = measure_rows(
        {
            identity: [
                {
                    table.stem: tree.path(
                        tree.SCORES, results, recipe=recipe, cell=cell, set=table.stem
                    )
                    for table in tables
                }
                for cell in row["cells"]
            ]
            for identity, row in rows.items()
        },
        tables,
        settings["corpora"],
        score=settings["score"],
        trained={identity: row["trained"] for identity, row in rows.items()},
        seed=settings["seed"],
    )
    # After all sets: the interval of an average needs the replicates of each of them.
    domains = settings["in_domain"], settings["out_of_domain"]
    return {identity: add_averages(sets, *domains) for identity, sets in measured.items()}


def measure_rows(
    rows: Mapping[Identity, Sequence[ScoreTables]],
    tables: Sequence[Path],
    corpora: Mapping[str, str],
    *,
    score: Score,
    trained: Mapping[Identity, bool],
    seed: int = 0,
    replicates: int = REPLICATES,
) -> dict[Identity, dict[str, Measured]]:
    """Measure every row of the table on every test set, with bootstrap replicates.

    Parameters
    ----------
    rows
        (model, init, algorithm) of each row, and the score tables of each of its rounds.
    tables
        Segment table of each test set, which is named as its file.
    corpora
        The corpus of each test set: sets of one corpus share its sources.
    score
        What is ranked (a switch of the recipe).
    trained
        Of each row, whether it is fine-tuned: else another round would give the same.

    Returns
    -------
    dict
        By row and test set.

    Raises
    ------
    InputError
        If a score table cannot be read, or has one class only: the file.
    """
    measured: dict[Identity, dict[str, Measured]] = {row: {} for row in rows}
    # Set by set, all rows at once: what is resampled is a set's sources.
    for table in tables:
        of_set = _measure_set(rows, table, corpora[table.stem], score, trained, seed, replicates)
        for row, part in of_set:
            measured[row][table.stem] = part
    return measured


def add_averages(
    measured: Mapping[str, Measured], in_domain: Sequence[str], out_of_domain: Sequence[str]
) -> dict[str, Measured]:
    """Add the averages of both domains to what was measured of a row."""
    result = dict(measured)
    for name, sets in zip(AVERAGES, (in_domain, out_of_domain), strict=True):
        if sets:
            parts = [measured[test_set] for test_set in sets]
            errors: dict[str, float] = {}
            for part in parts:
                for source, error in part.errors.items():
                    errors[source] = errors.get(source, 0.0) + error / len(parts)
            result[name] = Measured(
                average([part.rounds for part in parts]),
                errors,
                min(part.sources for part in parts),
            )
    return result


def interval_rows(measured: Mapping[Identity, Mapping[str, Measured]]) -> list[dict[str, Any]]:
    """Tabulate the mean EER of every row and test set with its 95 % interval.

    Returns
    -------
    list of dict
        model, init, algorithm, test_set, eer_percent, low, high, rounds, sources.
    """
    table = []
    for row, sets in measured.items():
        for name, part in sets.items():
            estimate = mean_over_rounds(part.rounds, part.sources).clipped(0, 100)
            table.append(
                {
                    **dict(zip(IDENTITY, row, strict=True)),
                    "test_set": name,
                    "eer_percent": estimate.value,
                    "low": estimate.low,
                    "high": estimate.high,
                    "rounds": len(part.rounds.values),
                    "sources": part.sources,
                }
            )
    return table


def comparison_rows(
    measured: Mapping[Identity, Mapping[str, Measured]], pairs: Iterable[Pair], seed: int = 0
) -> list[dict[str, Any]]:
    """Compare rows two by two on every test set.

    Parameters
    ----------
    measured
        As `measure_table1` returns it.
    pairs
        Rows to compare; those that were not measured are left out.

    Returns
    -------
    list of dict
        model_a, init_a, algorithm_a, the same of b, test_set, eer_a, eer_b (percent), difference
        (a minus b) with its 95 % interval low to high, p_value of the permutation test, p_holm
        corrected for the test sets of the pair (averages apart).
    """
    table: list[dict[str, Any]] = []
    for a, b in pairs:
        if a not in measured or b not in measured:
            continue
        rows = [_compare(a, b, name, measured, seed) for name in measured[a]]
        # An average says nothing that its sets do not: it must not make their tests stricter.
        for group in (False, True):
            members = [row for row in rows if (row["test_set"] in AVERAGES) == group]
            corrected = holm([row["p_value"] for row in members])
            for row, value in zip(members, corrected.tolist(), strict=True):
                row["p_holm"] = value
        table += rows
    return table


@dataclass(frozen=True)
class _CellTrials:
    """The scores of one cell on one test set of S sources."""

    ranked: RankedTrials
    errors: FloatArray
    """``float64 [S]``: what each source contributes to the EER, in percent."""
    sources: int
    """Sources of the class that has fewer."""


def _measure_set(
    rows: Mapping[Identity, Sequence[ScoreTables]],
    table: Path,
    corpus: str,
    score: Score,
    trained: Mapping[Identity, bool],
    seed: int,
    replicates: int,
) -> list[tuple[Identity, Measured]]:
    """Measure every row on one test set, with the same resamplings of its sources for all."""
    segments = read_segments(table)
    sources = sorted(set(segments.source))
    number = {name: position for position, name in enumerate(sources)}
    numbers = (number[source] for source in segments.source)
    unit = dict(zip(segments.segment_id, numbers, strict=True))
    owners = [row for row, rounds in rows.items() for _ in rounds]
    cells = [
        _read_trials(score_tables[table.stem], unit, len(sources), score)
        for rounds in rows.values()
        for score_tables in rounds
    ]
    # Drawn once for all cells, so that differences of rows are paired.
    keys = source_keys(sources, corpus, seed)
    pieces = [
        [cell.ranked.weighted_eers(weights) for cell in cells]
        for weights in weight_chunks(keys, replicates)
    ]
    drawn = 100 * np.concatenate(pieces, axis=1) if cells else np.empty((0, replicates))
    result = []
    for row in rows:
        places = [place for place, owner in enumerate(owners) if owner == row]
        errors = [cells[place].errors for place in places]
        # Under the corpus' name: two sets of one corpus share sources, which are exchanged once.
        named = {
            f"{corpus}/{name}": error
            for name, error in zip(sources, np.mean(errors, axis=0).tolist(), strict=True)
        }
        values = np.array([float(each.sum()) for each in errors])
        rounds = Rounds(values, drawn[places], trained[row])
        result.append((row, Measured(rounds, named, cells[-1].sources)))
    return result


def _read_trials(path: Path, unit: Mapping[str, int], count: int, score: Score) -> _CellTrials:
    """Read a score table; `unit` is the number of each segment's source, from 0 to `count`."""
    scores = read_scores(path)
    units = np.array([unit[name] for name in scores.segment_id], dtype=np.intp)
    values = ranked_scores(scores.logits, score)
    return _CellTrials(
        RankedTrials(values, scores.real, units),
        100 * errors_by_source(values, scores.real, units, count),
        min(len(set(units[scores.real])), len(set(units[~scores.real]))),
    )


def _compare(
    a: Identity,
    b: Identity,
    name: str,
    measured: Mapping[Identity, Mapping[str, Measured]],
    seed: int,
) -> dict[str, Any]:
    """Compare two rows on one test set: their difference, and a test of it."""
    first, second = measured[a][name], measured[b][name]
    sources = min(first.sources, second.sources)
    estimate = difference_of_means(first.rounds, second.rounds, sources)
    # By source: a recording's trials are exchanged between the rows together or not at all.
    exchanged = [
        first.errors.get(source, 0.0) - second.errors.get(source, 0.0)
        for source in sorted({*first.errors, *second.errors})
    ]
    identity = {
        f"{key}_{side}": value
        for side, row in (("a", a), ("b", b))
        for key, value in zip(IDENTITY, row, strict=True)
    }
    return {
        **identity,
        "test_set": name,
        "eer_a": float(first.rounds.values.mean()),
        "eer_b": float(second.rounds.values.mean()),
        "difference": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "p_value": permutation_test(exchanged, seed=seed),
        # Corrected where all sets of the pair are known.
        "p_holm": np.nan,
    }
