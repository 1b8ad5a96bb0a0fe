"""How sure the figures of Table 1 are, and whether two of its rows differ.

Everything comes from the score tables of the cells. The same resamplings of sources serve all
cells and all test sets cut from one corpus, so that rows are compared on the same trials.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdd.data.segments import read_segments
from sdd.metrics import (
    REPLICATES,
    RankedTrials,
    Rounds,
    average,
    difference_of_means,
    errors_by_source,
    holm,
    mean_over_rounds,
    permutation_test,
    source_keys,
    weight_chunks,
)
from sdd.scoring.score_tables import Score, ranked_scores, read_scores

Identity = tuple[str, str, str]
Pair = tuple[Identity, Identity]
FloatArray = NDArray[np.float64]

INTERVAL_COLUMNS = (
    *("model", "init", "algorithm", "test_set", "eer_percent", "low", "high", "rounds", "sources"),
)
COMPARISON_COLUMNS = (
    *("model_a", "init_a", "algorithm_a", "model_b", "init_b", "algorithm_b", "test_set"),
    *("eer_a", "eer_b", "difference", "low", "high", "p_value", "p_holm"),
)
AVERAGES = ("in_domain_avg", "out_of_domain_avg")


@dataclass(frozen=True)
class Measured:
    """One row of the table on one test set, or on the average of some. All in percent."""

    rounds: Rounds
    errors: Mapping[str, float]
    """What each source contributes to the EER, mean over rounds; by corpus and source."""
    sources: int
    """Sources of the class that has fewer."""


def measure_rows(
    rows: Mapping[Identity, Sequence[Path]],
    tables: Sequence[Path],
    corpora: Mapping[str, str],
    *,
    score: Score,
    random: Mapping[Identity, bool],
    seed: int = 0,
    replicates: int = REPLICATES,
) -> dict[Identity, dict[str, Measured]]:
    """Measure every row of the table on every test set, with bootstrap replicates.

    Parameters
    ----------
    rows
        (model, init, algorithm) of each row, and the folders of its rounds' cells.
    tables
        Segment table of each test set, which is named as its file.
    corpora
        The corpus of each test set: sets of one corpus share its sources.
    score
        What is ranked (a switch of the recipe).
    random
        Of each row, whether another round would give another result.
    seed, replicates
        Of the bootstrap.

    Returns
    -------
    dict
        By row and test set.

    Raises
    ------
    InputError
        If a score table cannot be read, or has one class only: the file.
    """
    found: dict[Identity, dict[str, Measured]] = {row: {} for row in rows}
    for table in tables:
        for row, measured in _measure_set(
            rows, table, corpora[table.stem], score, random, seed, replicates
        ):
            found[row][table.stem] = measured
    return found


def add_averages(
    measured: Mapping[str, Measured], in_domain: Sequence[str], out_of_domain: Sequence[str]
) -> dict[str, Measured]:
    """Add the averages of both domains to what was measured of a row."""
    result = dict(measured)
    for name, sets in zip(AVERAGES, (in_domain, out_of_domain), strict=True):
        if sets:
            parts = [measured[one] for one in sets]
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
    for (model, init, algorithm), sets in measured.items():
        for name, part in sets.items():
            estimate = mean_over_rounds(part.rounds, part.sources).clipped(0, 100)
            table.append(
                {
                    "model": model,
                    "init": init,
                    "algorithm": algorithm,
                    "test_set": name,
                    "eer_percent": estimate.value,
                    "low": estimate.low,
                    "high": estimate.high,
                    "rounds": len(part.rounds.values),
                    "sources": part.sources,
                }
            )
    return table


def read_intervals(path: Path | str) -> dict[tuple[str, str, str, str], tuple[float, float]]:
    """Read intervals.csv: low and high by model, init, algorithm and test set."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        return {
            (row["model"], row["init"], row["algorithm"], row["test_set"]): (
                float(row["low"]),
                float(row["high"]),
            )
            for row in csv.DictReader(file)
        }


def comparison_rows(
    measured: Mapping[Identity, Mapping[str, Measured]], pairs: Iterable[Pair], seed: int = 0
) -> list[dict[str, Any]]:
    """Compare rows two by two on every test set.

    Parameters
    ----------
    measured
        As `measure_rows` and `add_averages` give it.
    pairs
        Rows to compare; those that were not measured are left out.
    seed
        Of the permutations.

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
        for group in (False, True):
            members = [row for row in rows if (row["test_set"] in AVERAGES) == group]
            corrected = holm([row["p_value"] for row in members])
            for row, value in zip(members, corrected.tolist(), strict=True):
                row["p_holm"] = value
        table += rows
    return table


def _measure_set(
    rows: Mapping[Identity, Sequence[Path]],
    table: Path,
    corpus: str,
    score: Score,
    random: Mapping[Identity, bool],
    seed: int,
    replicates: int,
) -> list[tuple[Identity, Measured]]:
    segments = read_segments(table)
    sources = sorted(set(segments.source))
    number = {name: position for position, name in enumerate(sources)}
    unit = {
        segment: number[source]
        for segment, source in zip(segments.segment_id, segments.source, strict=True)
    }
    ranked, errors, values, counts = [], [], [], 0
    cells = [(row, folder) for row, folders in rows.items() for folder in folders]
    for _, folder in cells:
        scores = read_scores(folder / "scores" / table.name)
        units = np.array([unit[name] for name in scores.segment_id], dtype=np.intp)
        logits = ranked_scores(scores.logits, score)
        ranked.append(RankedTrials(logits, scores.real, units))
        errors.append(100 * errors_by_source(logits, scores.real, units, len(sources)))
        values.append(float(errors[-1].sum()))
        counts = min(len(set(units[scores.real])), len(set(units[~scores.real])))
    keys = source_keys(sources, corpus, seed)
    pieces = [
        [trials.weighted_eers(weights) for trials in ranked]
        for weights in weight_chunks(keys, replicates)
    ]
    drawn = 100 * np.concatenate(pieces, axis=1) if cells else np.empty((0, replicates))
    result = []
    for row in rows:
        places = [place for place, (other, _) in enumerate(cells) if other == row]
        mean_errors = np.mean([errors[place] for place in places], axis=0)
        named = {
            f"{corpus}/{name}": error
            for name, error in zip(sources, mean_errors.tolist(), strict=True)
        }
        rounds = Rounds(np.array([values[p] for p in places]), drawn[places], random[row])
        result.append((row, Measured(rounds, named, counts)))
    return result


def _compare(
    a: Identity,
    b: Identity,
    name: str,
    measured: Mapping[Identity, Mapping[str, Measured]],
    seed: int,
) -> dict[str, Any]:
    one, other = measured[a][name], measured[b][name]
    sources = min(one.sources, other.sources)
    estimate = difference_of_means(one.rounds, other.rounds, sources)
    exchanged = [
        one.errors.get(source, 0.0) - other.errors.get(source, 0.0)
        for source in sorted({*one.errors, *other.errors})
    ]
    identity = {
        f"{key}_{side}": value
        for side, row in (("a", a), ("b", b))
        for key, value in zip(("model", "init", "algorithm"), row, strict=True)
    }
    return {
        **identity,
        "test_set": name,
        "eer_a": float(one.rounds.values.mean()),
        "eer_b": float(other.rounds.values.mean()),
        "difference": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "p_value": permutation_test(exchanged, seed=seed),
        "p_holm": np.nan,
    }
