"""What results say of one detector: for the card that goes with it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdd.analysis.columns import IDENTITY
from sdd.errors import InputError
from sdd.experiment import tree
from sdd.experiment.cells import Cell
from sdd.experiment.experiment import Experiment
from sdd.experiment.variants import tried_switches, with_choice
from sdd.runtime.csv_rows import read_rows
from sdd.runtime.text_files import read_text

_CELL = re.compile(
    r"results/[^/]+/(?P<recipe>[^/]+)/(?P<cell>[^/]+/(?:pre|post)/[^/]+/round[0-9]+)$"
)
UNTRAINED = "none"
"""The algorithm of a cell that is its checkpoint."""


@dataclass(frozen=True)
class CellPlace:
    """Where in the tree of results a detector is.

    Attributes
    ----------
    results
        ``results/{name}``.
    """

    results: Path
    recipe: str
    cell: Cell

    @property
    def experiment(self) -> str:
        """The experiment's name."""
        return self.results.name


@dataclass(frozen=True)
class MeasuredSet:
    """The error rate of a detector on a test set, in percent.

    Attributes
    ----------
    mean, low, high
        Of the rounds of its row, with the 95 % interval; None where it was not measured, and the
        bounds also where there are too few clusters.
    drawn
        What the interval draws, with how many there are.
    """

    test_set: str
    eer: float
    n_real: int
    n_fake: int
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    rounds: int = 0
    drawn: str = ""


@dataclass(frozen=True)
class TrainingFacts:
    """What a config says of how a cell was trained.

    Attributes
    ----------
    training_set, validation_set
        What they are, in words.
    stages
        Name and parameters of the objective of each stage, in order.
    switches
        Of the recipe, as the last stage has them.
    titles
        Printed names of the sets.
    notes
        Of the experiment.
    """

    training_set: str
    validation_set: str
    stages: Sequence[tuple[str, Mapping[str, Any]]]
    switches: Mapping[str, Any]
    seed: int
    titles: Mapping[str, str]
    notes: Sequence[str]


def find_cell(folder: Path) -> CellPlace | None:
    """Read the place of a cell from the path of its folder; None if it is none of a cell."""
    absolute = folder.absolute()
    found = _CELL.search(absolute.as_posix())
    if found is None:
        return None
    return CellPlace(absolute.parents[4], found["recipe"], Cell.parse(found["cell"]))


def checkpoint_of(place: CellPlace) -> Path | None:
    """Return the checkpoint that a cell without training is; None if it is not there, or trained.

    A trained cell whose weights were deleted is not the checkpoint that it started from.
    """
    if place.cell.algorithm != UNTRAINED:
        return None
    checkpoint = f"{place.cell.model}/{place.cell.init}"
    path = tree.path(tree.CHECKPOINT, place.results, checkpoint=checkpoint)
    return path if path.is_file() else None


def measured_sets(folder: Path, place: CellPlace | None) -> list[MeasuredSet]:
    """Read the error rates in a detector's folder, with the intervals of its row."""
    rates = folder / Path(tree.EER).name
    rows = read_rows(rates) if rates.is_file() else []
    intervals = _intervals(place) if place is not None else {}
    return [_measured(row, intervals.get(row["test_set"])) for row in rows]


def _intervals(place: CellPlace) -> dict[str, dict[str, str]]:
    path = tree.path(tree.INTERVALS, place.results, recipe=place.recipe)
    if not path.is_file():
        return {}
    own = (place.cell.model, place.cell.init, place.cell.algorithm)
    rows = read_rows(path)
    return {row["test_set"]: row for row in rows if tuple(row[key] for key in IDENTITY) == own}


def _measured(row: Mapping[str, str], interval: Mapping[str, str] | None) -> MeasuredSet:
    own = (
        row["test_set"],
        *(float(row["eer_percent"]), int(row["n_real"]), int(row["n_fake"])),
    )
    if interval is None:
        return MeasuredSet(*own)
    mean, low, high = (_number(interval[key]) for key in ("eer_percent", "low", "high"))
    drawn = f"{interval['clusters']} {interval['drawn']}"
    return MeasuredSet(*own, mean, low, high, int(interval["rounds"]), drawn)


def _number(text: str) -> float | None:
    return None if text in ("", "nan") else float(text)


def read_config(files: Sequence[Path]) -> dict[str, Any]:
    """Read a config, each file laid over those before: mappings merged, lists replaced.

    Raises
    ------
    InputError
        If a file cannot be read, or is no mapping in YAML.
    """
    import yaml

    config: dict[str, Any] = {}
    for file in files:
        try:
            content = yaml.safe_load(read_text(file))
        except yaml.YAMLError as error:
            raise InputError(f"{file} is no YAML ({' '.join(str(error).split())}).") from error
        if not isinstance(content, dict):
            raise InputError(f"{file} is no config: it is no mapping of keys to values.")
        config = merged_configs(config, content)
    return config


def merged_configs(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay a config over another: mappings are merged, all else is replaced."""
    result = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged_configs(result[key], value) if both else value
    return result


def training_facts(config: Mapping[str, Any], place: CellPlace) -> TrainingFacts:
    """Say how a cell was trained, by the config of its experiment.

    Raises
    ------
    InputError
        If the config is of another experiment, or does not know the cell's recipe or algorithm.
    """
    name, cell = config.get("name"), place.cell
    if name != place.experiment:
        raise InputError(
            f"The config is that of experiment {name!r}, and the detector is of "
            f"{place.experiment!r}: give its own, after config.yaml where it is laid over that."
        )
    try:
        experiment = Experiment(config)
        stages = experiment.stages(cell.algorithm)
        return TrainingFacts(
            training_set=_described(config, config["training_set"]),
            validation_set=_described(config, config["validation_set"]),
            stages=[(stage, config["objectives"][stage]) for stage in stages],
            switches=_switches(experiment, place) if stages else {},
            seed=int(config["seed"]),
            titles={key: str(spec.get("title", key)) for key, spec in config["sets"].items()},
            notes=config.get("notes", []),
        )
    except KeyError as error:
        raise InputError(
            f"The config has no {error.args[0]!r}, which {cell.path} of recipe {place.recipe} "
            "needs: give config.yaml first, and then what is laid over it."
        ) from error


def _switches(experiment: Experiment, place: CellPlace) -> Mapping[str, Any]:
    """Return the recipe of a cell's last stage, with what was chosen on the validation set."""
    cell = place.cell
    tried = tried_switches(experiment, cell.algorithm)
    recipe = experiment.stage_recipe(cell.algorithm, place.recipe)
    choice = tree.path(
        tree.CHOICE,
        place.results,
        recipe=place.recipe,
        **{"model": cell.model, "init": cell.init, "algorithm": cell.algorithm},
    )
    chosen = {"recipe": recipe | dict.fromkeys(tried, "not known (chosen on validation data)")}
    switches: Mapping[str, Any] = with_choice(
        chosen, [choice] if tried and choice.is_file() else []
    )["recipe"]
    return switches


def _described(config: Mapping[str, Any], name: str) -> str:
    spec = config["sets"][name]
    reader = config["corpora"][spec["corpus"]]["reader"]
    parts = [f"corpus {spec['corpus']}, read as {reader}"]
    parts += [f"partition {spec['partition']}"] if "partition" in spec else []
    parts += [f"at most {spec['max_seconds']} s a segment"] if "max_seconds" in spec else []
    return f"`{name}` ({', '.join(parts)})"
