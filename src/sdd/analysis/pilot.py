"""The table of a pilot: its parts put together, and what its scores say beside the paper."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sdd.analysis.table1 import identities, read_table
from sdd.analysis.uncertainty import interval_rows, measure_rows
from sdd.experiment import tree
from sdd.experiment.pilot import EER_COLUMNS, PILOT_COLUMNS
from sdd.runtime.csv_rows import read_rows

INSIDE, OUTSIDE = "inside", "OUTSIDE"
NO_INTERVAL = "no interval"
NOT_IN_PAPER = "not in the paper"


def pilot_rows(results: Path, paper: Path, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Put together what pilots have left, of all recipes and models.

    Parameters
    ----------
    results
        ``results/{name}``.
    paper
        The paper's table as CSV.
    settings
        As `sdd.experiment.settings.pilot_table` returns them.

    Returns
    -------
    list of dict
        `PILOT_COLUMNS`; empty where something does not apply.
    """
    rows: list[dict[str, Any]] = []
    printed = paper_none(paper)
    for recipe in settings["scores"]:
        for model in settings["models"]:
            rows += _trainings(results, recipe, model, settings["objectives"])
        for model in settings["models"]:
            rows += _scorings(results, recipe, model, printed, settings)
    return [{name: row.get(name, "") for name in PILOT_COLUMNS} for row in rows]


def paper_none(paper: Path) -> dict[tuple[str, str], float]:
    """Return the paper's EER in percent of post-trained detectors as they are, by model and set."""
    table = read_table(paper)
    return {
        (identity[0], str(name)): float(table[name].iloc[row])
        for row, identity in enumerate(identities(table))
        if identity[1:] == ("post", "none")
        for name in table.columns[4:]
    }


def verdict(low: float, high: float, paper: float) -> str:
    """Say where the paper's EER lies of an interval, all in percent."""
    if math.isnan(paper):
        return NOT_IN_PAPER
    if math.isnan(low) or math.isnan(high):
        return NO_INTERVAL
    return INSIDE if low <= paper <= high else OUTSIDE


def _trainings(
    results: Path, recipe: str, model: str, objectives: Iterable[str]
) -> list[dict[str, Any]]:
    names = {"recipe": recipe, "model": model}
    paths = [tree.path(tree.PILOT_TRAINING, results, objective=o, **names) for o in objectives]
    return [dict(row) for path in paths if path.exists() for row in read_rows(path)]


def _scorings(
    results: Path,
    recipe: str,
    model: str,
    printed: Mapping[tuple[str, str], float],
    settings: Mapping[str, Any],
) -> list[dict[str, Any]]:
    path = tree.path(tree.PILOT_SCORING, results, recipe=recipe, model=model)
    if not path.exists():
        return []
    # A set that the config no longer has may have no segments any more.
    piloted = [row for row in read_rows(path) if row["name"] in settings["corpora"]]
    scores = {
        row["name"]: tree.path(
            tree.PILOT_SCORES, results, recipe=recipe, model=model, set=row["name"]
        )
        for row in piloted
    }
    measured = _measure(results, model, recipe, scores, settings)
    rows = []
    for row in piloted:
        found, paper = measured[row["name"]], printed.get((model, row["name"]), math.nan)
        values = {name: found[name] for name in EER_COLUMNS if name in found}
        said = verdict(found["low"], found["high"], paper)
        rows.append({**row, **values, "paper_percent": paper, "verdict": said})
    return rows


def _measure(
    results: Path,
    model: str,
    recipe: str,
    scores: Mapping[str, Path],
    settings: Mapping[str, Any],
) -> dict[str, dict[str, Any]]:
    """Measure the EER of each sample with its interval, by the code of `intervals.csv`."""
    identity = (model, "post", "none")
    measured = measure_rows(
        {identity: [scores]},
        [tree.path(tree.SEGMENTS, results, set=name) for name in scores],
        settings["corpora"],
        clusters=settings["clusters"],
        score=settings["scores"][recipe],
        trained={identity: False},
        seed=settings["seed"],
    )
    return {row["test_set"]: row for row in interval_rows(measured)}
