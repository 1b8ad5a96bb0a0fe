"""Intervals of the figures of Table 1, and tests of whether two of its rows differ.

Everything comes from the score tables of the cells. The same resamplings of clusters serve all
cells and all test sets cut from one corpus, so that rows are compared on the same trials.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sdd.analysis.clusters import Rule, read_clusters
from sdd.analysis.columns import AVERAGES, IDENTITY, ONE_TRAINING, Identity
from sdd.experiment import tree
from sdd.metrics.bootstrap import (
    REPLICATES,
    RankedTrials,
    cluster_keys,
    weight_chunks,
)
from sdd.metrics.error_rates import eer
from sdd.metrics.estimates import (
    FEW_CLUSTERS,
    FEWEST_CLUSTERS,
    Rounds,
    average,
    difference_of_means,
    rate_over_rounds,
    sample_of_rates,
)
from sdd.metrics.multiplicity import holm
from sdd.scoring.score_tables import Score, ranked_scores, read_scores

Pair = tuple[Identity, Identity]
ScoreTables = Mapping[str, Path]
"""Score tables of a cell, by test set."""

COMPARISON_COLUMNS = (
    *("model_a", "init_a", "algorithm_a", "model_b", "init_b", "algorithm_b", "test_set"),
    *("eer_a", "eer_b", "difference", "low", "high", "p_value", "p_holm"),
    *("standard_error", "freedom", "smallest", "rounds_a", "rounds_b", "clusters", "drawn"),
    "note",
)


@dataclass(frozen=True)
class Measured:
    """One row of the table on one test set, or on the average of some. All in percent."""

    rounds: Rounds
    drawn: Mapping[str, str]
    """What is drawn of each corpus, such as `speakers`."""

    @property
    def clusters(self) -> int:
        """The fewest of a corpus, and there of the class that has fewer."""
        return self.rounds.clusters

    @property
    def words(self) -> str:
        """What is drawn; of several corpora all that occurs, after commas."""
        return ", ".join(dict.fromkeys(self.drawn[corpus] for corpus in self.rounds.samples))

    @property
    def note(self) -> str:
        """What restricts an interval; empty where nothing does."""
        few = [
            f"{sample.clusters} {self.drawn[corpus]} of {corpus}"
            for corpus, sample in self.rounds.samples.items()
            if sample.clusters < FEW_CLUSTERS
        ]
        notes = [f"{', '.join(few)}: fewer than {FEW_CLUSTERS}"] if few else []
        if len(self.rounds.samples) == 1 and self.clusters < FEWEST_CLUSTERS:
            notes = [f"{few[0]}: fewer than {FEWEST_CLUSTERS} give no interval of their own"]
        if self.rounds.one_training:
            notes.append(ONE_TRAINING)
        return "; ".join(notes)


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
        clusters=settings["clusters"],
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
    clusters: Mapping[str, Rule],
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
        The corpus of each test set: sets of one corpus share its clusters.
    clusters
        By corpus: what is drawn (`clusters` of the config).
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
    # Set by set, all rows at once: what is resampled is a set's clusters.
    for table in tables:
        corpus = corpora[table.stem]
        rule = clusters[corpus]
        of_set = _measure_set(rows, table, corpus, rule, score, trained, seed, replicates)
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
            drawn = {corpus: words for part in parts for corpus, words in part.drawn.items()}
            result[name] = Measured(average([part.rounds for part in parts]), drawn)
    return result


def interval_rows(measured: Mapping[Identity, Mapping[str, Measured]]) -> list[dict[str, Any]]:
    """Tabulate the mean EER of every row and test set with its 95 % interval.

    Returns
    -------
    list of dict
        model, init, algorithm, test_set, eer_percent, low, high (NaN where there are too few
        clusters), rounds, clusters (the fewest of a class and corpus), drawn (what
        they are), note (what restricts the interval).
    """
    table = []
    for row, sets in measured.items():
        for name, part in sets.items():
            estimate = rate_over_rounds(part.rounds)
            table.append(
                {
                    **dict(zip(IDENTITY, row, strict=True)),
                    "test_set": name,
                    "eer_percent": estimate.value,
                    "low": estimate.low,
                    "high": estimate.high,
                    "rounds": len(part.rounds.values),
                    "clusters": part.clusters,
                    "drawn": part.words,
                    "note": part.note,
                }
            )
    return table


def comparison_rows(
    measured: Mapping[Identity, Mapping[str, Measured]], pairs: Iterable[Pair]
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
        `COMPARISON_COLUMNS`: difference is a minus b in percentage points, with its 95 % interval,
        p_value of its ratio to standard_error (Student's t of `freedom`), p_holm corrected for the
        test sets of the pair (averages apart); smallest is the least difference that would have
        been told from zero.
    """
    table: list[dict[str, Any]] = []
    for a, b in pairs:
        if a not in measured or b not in measured:
            continue
        rows = [_compare(a, b, name, measured) for name in measured[a]]
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
    """The scores of one cell on one test set."""

    ranked: RankedTrials
    rate: float
    """EER in percent."""
    clusters: int
    """Of the class that has fewer."""


def _measure_set(
    rows: Mapping[Identity, Sequence[ScoreTables]],
    table: Path,
    corpus: str,
    rule: Rule,
    score: Score,
    trained: Mapping[Identity, bool],
    seed: int,
    replicates: int,
) -> list[tuple[Identity, Measured]]:
    """Measure every row on one test set, with the same resamplings of its clusters for all."""
    clusters = read_clusters(table, rule)
    names = sorted(set(clusters.of_segment.values()))
    number = {name: position for position, name in enumerate(names)}
    unit = {segment: number[name] for segment, name in clusters.of_segment.items()}
    owners = [row for row, rounds in rows.items() for _ in rounds]
    cells = [
        _read_trials(score_tables[table.stem], unit, score)
        for rounds in rows.values()
        for score_tables in rounds
    ]
    # Drawn once for all cells, so that differences of rows are paired.
    keys = cluster_keys(names, corpus, seed)
    pieces = [
        [cell.ranked.weighted_eers(weights) for cell in cells]
        for weights in weight_chunks(keys, replicates)
    ]
    drawn = 100 * np.concatenate(pieces, axis=1) if cells else np.empty((0, replicates))
    result = []
    for row in rows:
        places = [place for place, owner in enumerate(owners) if owner == row]
        rates = np.array([cells[place].rate for place in places])
        fewest = min(cells[place].clusters for place in places)
        sample = sample_of_rates(rates, drawn[places], fewest)
        rounds = Rounds(rates, {corpus: sample}, trained[row])
        result.append((row, Measured(rounds, {corpus: clusters.drawn})))
    return result


def _read_trials(path: Path, unit: Mapping[str, int], score: Score) -> _CellTrials:
    """Read a score table; `unit` is the number of each segment's cluster, from 0."""
    scores = read_scores(path)
    units = np.array([unit[name] for name in scores.segment_id], dtype=np.intp)
    values = ranked_scores(scores.logits, score)
    return _CellTrials(
        RankedTrials(values, scores.real, units),
        100 * eer(values[scores.real], values[~scores.real])[0],
        min(len(set(units[scores.real])), len(set(units[~scores.real]))),
    )


def _compare(
    a: Identity, b: Identity, name: str, measured: Mapping[Identity, Mapping[str, Measured]]
) -> dict[str, Any]:
    """Compare two rows on one test set: their difference, and a test of it."""
    first, second = measured[a][name], measured[b][name]
    estimate = difference_of_means(first.rounds, second.rounds)
    identity = {
        f"{key}_{side}": value
        for side, row in (("a", a), ("b", b))
        for key, value in zip(IDENTITY, row, strict=True)
    }
    fewer = min(first, second, key=lambda part: part.clusters)
    one_training = first.rounds.one_training or second.rounds.one_training
    note = [part for part in fewer.note.split("; ") if part and part != ONE_TRAINING]
    return {
        **identity,
        "test_set": name,
        "eer_a": first.rounds.mean,
        "eer_b": second.rounds.mean,
        "difference": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "p_value": estimate.p_value,
        # Corrected where all sets of the pair are known.
        "p_holm": np.nan,
        "standard_error": estimate.error,
        "freedom": estimate.freedom,
        "smallest": estimate.smallest,
        "rounds_a": len(first.rounds.values),
        "rounds_b": len(second.rounds.values),
        "clusters": fewer.clusters,
        "drawn": fewer.words,
        "note": "; ".join([*note, *([ONE_TRAINING] if one_training else [])]),
    }
