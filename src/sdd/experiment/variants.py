"""Cells trained with other switches of the recipe: for a choice of settings, for the trade-off."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from sdd.errors import InputError
from sdd.experiment.cells import Cell, ScoringJob, Variant
from sdd.experiment.experiment import Experiment


# ------------------------------------------------------------------------------------- tuning
def grids(experiment: Experiment) -> dict[str, dict[str, list[Any]]]:
    """Return the values to be tried of each switch, by algorithm; nothing without `tune`."""
    found: dict[str, dict[str, list[Any]]] = experiment.config.get("tune", {}).get("grids", {})
    return found


def tuned_rows(experiment: Experiment) -> list[tuple[str, str, str]]:
    """List (model, init, algorithm) whose settings are chosen: rows and their first stages."""
    trained = [*experiment.cells(), *experiment.drift_cells(), *trade_off_starts(experiment)]
    cells = with_first_stages(experiment, trained)
    rows = dict.fromkeys((cell.model, cell.init, cell.algorithm) for cell in cells)
    return [row for row in rows if row[2] in grids(experiment)]


def candidates(experiment: Experiment, algorithm: str) -> list[dict[str, Any]]:
    """List the settings to be tried of an algorithm: every combination of its grid, in order."""
    grid = grids(experiment)[algorithm]
    return [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]


def variants_of_row(experiment: Experiment, row: tuple[str, str, str]) -> list[Variant]:
    """List what is trained to choose the settings of a row: each candidate in each round."""
    rounds = range(1, experiment.config["tune"]["rounds"] + 1)
    return [
        Variant(Cell(*row, number), changes)
        for changes in candidates(experiment, row[2])
        for number in rounds
    ]


def candidate_named(experiment: Experiment, cell: Cell, name: str) -> Variant:
    """Return the candidate of a cell's settings that a folder is named by.

    Raises
    ------
    InputError
        If the grid has none of this name.
    """
    tried = [Variant(cell, changes) for changes in candidates(experiment, cell.algorithm)]
    for variant in tried:
        if variant.name == name:
            return variant
    known = ", ".join(variant.name for variant in tried)
    raise InputError(f"tune.grids.{cell.algorithm} has no candidate {name!r}; known: {known}")


def tried_switches(experiment: Experiment, algorithm: str) -> list[str]:
    """List the switches of an algorithm whose values are chosen; none if it is not tuned."""
    return list(grids(experiment).get(algorithm, {}))


def with_choice(settings: Mapping[str, Any], choices: Sequence[Path | str]) -> dict[str, Any]:
    """Lay what was chosen for a cell over its settings.

    Parameters
    ----------
    settings
        As `sdd.experiment.settings.finetuning` returns them.
    choices
        The file of the choice (`sdd.analysis.tuning`); none where nothing is chosen.

    Raises
    ------
    InputError
        If the file is no choice.
    """
    import yaml

    recipe = dict(settings["recipe"])
    for path in choices:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        if not isinstance(content, dict) or not isinstance(content.get("chosen"), dict):
            raise InputError(f"{path} says nothing under `chosen`; delete it to have it made again")
        recipe |= content["chosen"]
    return {**settings, "recipe": recipe}


# ---------------------------------------------------------------------------------- trade-off
def trade_off_steps(experiment: Experiment) -> list[int]:
    """List the steps whose weights are scored, in order; none without `trade_off`."""
    return sorted(experiment.config.get("trade_off", {}).get("steps", []))


def trade_off_runs(experiment: Experiment) -> list[Variant]:
    """List the runs of the trade-off: each algorithm at each rate in each round."""
    rates = experiment.config.get("trade_off", {}).get("learning_rates", [])
    return [
        Variant(cell, {"learning_rate": rate})
        for cell in experiment.trade_off_cells()
        for rate in rates
    ]


def trade_off_start(experiment: Experiment, cell: Cell) -> Cell:
    """Return the cell that a run of the trade-off starts from: the stage before, or no training."""
    return experiment.cell_before(cell) or Cell(
        cell.model, cell.init, untrained_algorithm(experiment), 1
    )


def trade_off_starts(experiment: Experiment) -> list[Cell]:
    """List the cells that runs of the trade-off start from, which are scored, too."""
    cells = experiment.trade_off_cells()
    return list(dict.fromkeys(trade_off_start(experiment, cell) for cell in cells))


def untrained_algorithm(experiment: Experiment) -> str:
    """Name the algorithm without stages.

    Raises
    ------
    InputError
        If there is none.
    """
    for name in experiment.config["algorithms"]:
        if not experiment.stages(name):
            return str(name)
    raise InputError(
        "trade_off: changes are measured from a detector without fine-tuning, and algorithms has "
        "none without stages; add `none: []`"
    )


def with_first_stages(experiment: Experiment, cells: Sequence[Cell]) -> list[Cell]:
    """List cells after those whose models they start from, which may be no rows of the table."""
    found: dict[Cell, None] = {}
    for cell in cells:
        chain = [cell]
        while (before := experiment.cell_before(chain[-1])) is not None:
            chain.append(before)
        found |= dict.fromkeys(reversed(chain))
    return list(found)


def scored(experiment: Experiment) -> list[tuple[str, ScoringJob, str]]:
    """List (model, job, path) of all that is scored: cells, and steps of the trade-off's runs."""
    cells = [*experiment.cells(), *experiment.drift_cells(), *trade_off_starts(experiment)]
    paths = {cell.path: cell.model for cell in cells}
    steps = trade_off_steps(experiment)
    for variant in trade_off_runs(experiment):
        paths |= {variant.after(step): variant.cell.model for step in steps}
    return [
        (model, job, path)
        for job in experiment.scoring_jobs()
        for path, model in paths.items()
        if job.is_for_path(path)
    ]
