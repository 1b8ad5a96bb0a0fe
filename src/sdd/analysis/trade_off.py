"""What fine-tuning gains in its domain and loses in others, along training and over rates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from sdd.analysis.cell_error_rates import check_trials
from sdd.analysis.columns import IN_DOMAIN_AVERAGE, OUT_OF_DOMAIN_AVERAGE
from sdd.data.segments import Segments, read_segments, without_suffixes
from sdd.errors import InputError
from sdd.experiment import tree
from sdd.experiment.cells import Cell
from sdd.metrics.error_rates import eer
from sdd.metrics.label_divergence import label_divergence
from sdd.metrics.rank_correlation import (
    LEAST_GROUPS,
    Correlation,
    correlation_interval,
    kendall,
    spearman,
)
from sdd.scoring.score_tables import Scores, check_classes, ranked_scores, read_scores

IN_DOMAIN_CHANGE = "in_domain_change"
OUT_OF_DOMAIN_CHANGE = "out_of_domain_change"
ALL = "all"
PAIRS = (
    ("kl", OUT_OF_DOMAIN_CHANGE),
    ("kl", IN_DOMAIN_CHANGE),
    (IN_DOMAIN_CHANGE, OUT_OF_DOMAIN_CHANGE),
)
"""Columns whose rank correlations are measured."""
CORRELATIONS: Mapping[str, Correlation] = {"spearman": spearman, "kendall": kendall}


def measure_trade_off(
    results: Path, recipe: str, tables: Mapping[str, Path], settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Measure every step of every run that is scored, and where each run starts.

    Parameters
    ----------
    results, recipe
        results/{name}, and the recipe, whose score tables are read.
    tables
        Segment tables of the test sets and of the validation set, by name.
    settings
        As `sdd.experiment.settings.trade_off` returns them.

    Returns
    -------
    list of dict
        A row for each run and step, 0 being its start: model, init, algorithm, round,
        learning_rate, step; in_domain_avg and out_of_domain_avg, means of the EERs (percent) of a
        domain's sets; in_domain_change and out_of_domain_change, those less the start's
        (percentage points); kl, the mean over the validation set of KL(weights || start) in nats;
        and the EER of each test set (percent).

    Raises
    ------
    InputError
        If a score table cannot be used, or is not that of its segments.
    """
    if not settings["runs"]:
        raise InputError("the config has no `trade_off`; docs/trade-off.md shows what to add")
    reader = _Reader(results, recipe, tables, settings)
    starts = {path: (reader.rates(path), reader.validation(path)) for path in settings["starts"]}
    rows = []
    for run in settings["runs"]:
        before, said = starts[run["start"]]
        identity = {**asdict(Cell.parse(run["cell"])), "learning_rate": run["learning_rate"]}
        rows.append(_row({**identity, "step": 0}, before, before, 0.0))
        for step, path in run["steps"].items():
            divergence = label_divergence(reader.validation(path), said)
            row = _row(
                {**identity, "step": step}, reader.rates(path), before, float(divergence.mean())
            )
            rows.append(row)
    return rows


def correlation_rows(points: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Measure how far columns of the trade-off rise and fall together.

    Over all runs, and over those of each algorithm. Starts are left out: they lie at zero by
    definition.

    Parameters
    ----------
    points
        Rows of `measure_trade_off`.

    Returns
    -------
    list of dict
        algorithms (one, or `all`), x, y, points, runs, and spearman and kendall with their 95 %
        intervals over runs (`_low`, `_high`; NaN with fewer than `LEAST_GROUPS` runs),
        and a note.
    """
    moved = [point for point in points if point["step"] > 0]
    algorithms = list(dict.fromkeys(point["algorithm"] for point in moved))
    scopes = {ALL: moved}
    if len(algorithms) > 1:
        scopes |= {
            name: [point for point in moved if point["algorithm"] == name] for name in algorithms
        }
    return [
        _correlated(scope, members, x, y) for x, y in PAIRS for scope, members in scopes.items()
    ]


class _Reader:
    """Reads what the cells of a trade-off say."""

    def __init__(
        self, results: Path, recipe: str, tables: Mapping[str, Path], settings: Mapping[str, Any]
    ) -> None:
        self.results, self.recipe, self.settings = results, recipe, settings
        self.tables = tables
        # Once for all cells: a test set of 100,000 segments takes a second.
        self.segments: dict[str, Segments] = {
            name: without_suffixes(read_segments(path), settings["skip_suffixes"])
            for name, path in tables.items()
        }

    def rates(self, cell: str) -> dict[str, float]:
        """Return the EER of each test set in percent, and the means over the domains."""
        domains = {
            IN_DOMAIN_AVERAGE: self.settings["in_domain"],
            OUT_OF_DOMAIN_AVERAGE: self.settings["out_of_domain"],
        }
        sets = {name: self._rate(cell, name) for members in domains.values() for name in members}
        means = {
            average: float(np.mean([sets[name] for name in members])) if members else np.nan
            for average, members in domains.items()
        }
        return {**means, **sets}

    def validation(self, cell: str) -> np.ndarray:
        """Return the logits of the validation set in the order of its segments."""
        name = self.settings["validation_set"]
        scores = self._scores(cell, name)
        place = {segment: number for number, segment in enumerate(scores.segment_id)}
        ordered: np.ndarray = scores.logits[[place[s] for s in self.segments[name].segment_id]]
        return ordered

    def _rate(self, cell: str, name: str) -> float:
        scores = self._scores(cell, name)
        ranked = ranked_scores(scores.logits, self.settings["score"])
        return 100 * eer(ranked[scores.real], ranked[~scores.real])[0]

    def _scores(self, cell: str, name: str) -> Scores:
        path = tree.path(tree.SCORES, self.results, recipe=self.recipe, cell=cell, set=name)
        scores = read_scores(path)
        check_trials(path, scores, self.tables[name], self.segments[name])
        if name != self.settings["validation_set"]:
            check_classes(path, scores.real)
        return scores


def _row(
    identity: Mapping[str, Any],
    rates: Mapping[str, float],
    before: Mapping[str, float],
    divergence: float,
) -> dict[str, Any]:
    changes = {
        IN_DOMAIN_CHANGE: rates[IN_DOMAIN_AVERAGE] - before[IN_DOMAIN_AVERAGE],
        OUT_OF_DOMAIN_CHANGE: rates[OUT_OF_DOMAIN_AVERAGE] - before[OUT_OF_DOMAIN_AVERAGE],
    }
    averages = {name: rates[name] for name in (IN_DOMAIN_AVERAGE, OUT_OF_DOMAIN_AVERAGE)}
    return {**identity, **averages, **changes, "kl": divergence, **rates}


def _correlated(scope: str, points: Sequence[Mapping[str, Any]], x: str, y: str) -> dict[str, Any]:
    runs = [(p["algorithm"], p["learning_rate"], p["round"]) for p in points]
    row: dict[str, Any] = {
        "algorithms": scope,
        "x": x,
        "y": y,
        "points": len(points),
        "runs": len(set(runs)),
    }
    values = [np.array([point[name] for point in points], dtype=np.float64) for name in (x, y)]
    row |= dict(_measured(values[0], values[1], runs))
    few = row["runs"] < LEAST_GROUPS
    return {**row, "note": f"fewer than {LEAST_GROUPS} runs give no interval" if few else ""}


def _measured(
    x: np.ndarray, y: np.ndarray, runs: Sequence[tuple[str, float, int]]
) -> Iterator[tuple[str, float]]:
    """Yield each correlation and its interval; NaN where a domain has no sets."""
    known = len(x) > 1 and bool(np.isfinite(x).all() and np.isfinite(y).all())
    for name, correlation in CORRELATIONS.items():
        value, low, high = np.nan, np.nan, np.nan
        if known:
            value = float(correlation(x, y, None)[0])
            low, high = correlation_interval(correlation, x, y, runs)
        yield from ((name, value), (f"{name}_low", low), (f"{name}_high", high))
