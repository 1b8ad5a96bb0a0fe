"""What `snakemake pilot` runs, and the table that it leaves."""

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sdd.detector.architectures import find_architecture
from sdd.errors import InputError
from sdd.experiment import tree
from sdd.experiment.cells import Cell
from sdd.experiment.costs import training_passes
from sdd.experiment.experiment import Experiment
from sdd.experiment.training_needs import TrainingNeeds

TRAINING = "training"
SCORING = "scoring"

IDENTITY_COLUMNS = ("work", "recipe", "model", "init", "name", "precision")
"""What was piloted: `work` is training or scoring, `name` the objective or the test set."""
MACHINE_COLUMNS = (
    *("device", "device_name", "passes", "steps", "segments", "audio_seconds", "seconds"),
    *("speed", "peak_gb", "peak_of"),
)
"""What it took: `speed` in seconds of audio a second, `passes` the forward passes that a step is
worth (1 in scoring), `peak_of` which memory is meant."""
EER_COLUMNS = (
    *("eer_percent", "low", "high", "n_real", "n_fake", "clusters", "drawn"),
    *("paper_percent", "verdict"),
)
"""What a sample's scores say, in percent, beside the paper."""
PILOT_COLUMNS = (*IDENTITY_COLUMNS, *MACHINE_COLUMNS, *EER_COLUMNS)


def piloted_cells(experiment: Experiment, recipe: str) -> list[Cell]:
    """List the cells whose last stage is piloted, the costliest of each model first.

    Of each model one cell for each number of forward passes that a step of its stages is worth; or,
    with ``objectives: costliest``, one of the highest number.
    """
    costliest = experiment.config["pilot"]["objectives"] == "costliest"
    found: dict[str, dict[float, Cell]] = {}
    for cell in _trained_cells(experiment):
        found.setdefault(cell.model, {}).setdefault(_passes(experiment, cell, recipe), cell)
    return [
        by_cost[passes]
        for model in experiment.config["models"]
        if (by_cost := found.get(model))
        for passes in sorted(by_cost, reverse=True)[: 1 if costliest else None]
    ]


def piloted_checkpoints(experiment: Experiment) -> list[str]:
    """List the models whose post-trained detector is piloted in scoring."""
    in_use = experiment.checkpoints_in_use()
    return [model for model in experiment.config["models"] if f"{model}/post" in in_use]


def last_objective(experiment: Experiment, cell: Cell) -> str:
    """Name the objective of a cell's last stage."""
    return experiment.stages(cell.algorithm)[-1]


def _trained_cells(experiment: Experiment) -> Iterator[Cell]:
    """Yield the first round of each fine-tuned row, post-trained ones first."""
    cells = dict.fromkeys([*experiment.cells(), *experiment.drift_cells()])
    for init in ("post", "pre"):
        for cell in cells:
            if cell.round == 1 and cell.init == init and experiment.is_trained(cell.algorithm):
                yield cell


def _passes(experiment: Experiment, cell: Cell, recipe: str) -> float:
    needs = TrainingNeeds.of(
        experiment.objective(cell.algorithm), experiment.stage_recipe(cell.algorithm, recipe)
    )
    architecture = find_architecture(experiment.architecture(cell.model))
    return training_passes(architecture, needs, recomputed=False)


@dataclass(frozen=True)
class PilotRow:
    """How fast something ran; the columns of the table that a plan goes by.

    Attributes
    ----------
    work
        `TRAINING` or `SCORING`.
    name
        The objective, or the test set.
    device
        `cuda` or `cpu`.
    passes
        Forward passes that a step is worth; 1 in scoring.
    audio_seconds, seconds
        Audio that was run over, and how long that took; NaN where it was too little to tell.
    """

    work: str
    recipe: str
    model: str
    name: str
    precision: str
    device: str
    device_name: str
    passes: float
    audio_seconds: float
    seconds: float

    @classmethod
    def of(cls, row: Mapping[str, str]) -> "PilotRow":
        """Read a row of the table."""
        text = {name: row[name] for name in ("work", "recipe", "model", "name", "precision")}
        return cls(
            **text,
            device=row["device"],
            device_name=row["device_name"],
            passes=float(row["passes"]),
            audio_seconds=float(row["audio_seconds"]),
            seconds=float(row["seconds"]),
        )

    @property
    def seconds_a_pass(self) -> float:
        """Seconds of the machine for a second of audio in a forward pass; NaN where unknown."""
        audio = self.audio_seconds * self.passes
        return self.seconds / audio if audio > 0 and self.seconds > 0 else math.nan


def read_pilot(results: Path) -> list[PilotRow]:
    """Read what the pilot of an experiment measured of speeds; nothing where it was not run.

    Parameters
    ----------
    results
        ``results/{name}``.

    Raises
    ------
    InputError
        If the file is damaged: the file, the row and the remedy.
    """
    path = tree.path(tree.PILOT, results)
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = []
        for number, row in enumerate(csv.DictReader(file), start=1):
            try:
                rows.append(PilotRow.of(row))
            except (KeyError, TypeError, ValueError) as error:
                raise InputError(
                    f"{path}: row {number} is not what the pilot writes ({error!r}); delete the "
                    "file, and run `snakemake pilot` again for measured speeds"
                ) from error
    return [row for row in rows if not math.isnan(row.seconds_a_pass)]
