"""Cells, the entries of an experiment, and the jobs that score them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

CELL_PATTERN = "[^/]+/[^/]+/[^/]+/round[0-9]+"
"""Regular expression of the path of any cell."""
STEP_PATTERN = "trade_off/[^/]+/step[0-9]+/"
"""Regular expression of what stands ahead of a cell's path where its weights are those of a step of
a run of the trade-off."""


@dataclass(frozen=True)
class Cell:
    """One entry of the experiment: model × init × algorithm × round."""

    model: str
    init: str
    algorithm: str
    round: int

    @classmethod
    def parse(cls, folder: str | PurePath) -> "Cell":
        """Read a cell from its folder, which ends in ``model/init/algorithm/roundN``."""
        model, init, algorithm, number = PurePath(folder).parts[-4:]
        return cls(model, init, algorithm, int(number.removeprefix("round")))

    @property
    def path(self) -> str:
        """The cell's folder below ``results/{name}/{recipe}/``."""
        return f"{self.model}/{self.init}/{self.algorithm}/round{self.round}"


@dataclass(frozen=True)
class Variant:
    """A cell trained with other switches of the recipe.

    Attributes
    ----------
    changes
        The switches and their values.
    """

    cell: Cell
    changes: Mapping[str, bool | float]

    @property
    def name(self) -> str:
        """The folder of its settings, such as ``learning_rate-1e-05_max_steps-5000``."""
        return "_".join(f"{switch}-{value}" for switch, value in self.changes.items())

    def after(self, step: int) -> str:
        """Return the path of its weights after a step, which are scored as a cell's."""
        return f"trade_off/{self.name}/step{step}/{self.cell.path}"


@dataclass(frozen=True)
class ScoringJob:
    """Sets that one process scores, for the cells that match a pattern.

    A checkpoint is read once for all of them. Jobs are cut by corpus and condition, so that what is
    added later is scored alone.

    Attributes
    ----------
    embedded
        Those of `sets` whose embeddings are saved, too: none for cells that Figure 2 does not show.
    cells
        Regular expression of the cells' paths.
    """

    name: str
    sets: tuple[str, ...]
    embedded: tuple[str, ...]
    cells: str

    @property
    def embeddings(self) -> bool:
        """Whether embeddings are saved."""
        return bool(self.embedded)

    def is_for(self, cell: Cell) -> bool:
        """Tell whether a cell is scored by this job."""
        return self.is_for_path(cell.path)

    def is_for_path(self, path: str) -> bool:
        """Tell whether a cell, or a step of a run, with this path is scored by this job."""
        return re.fullmatch(f"{self.cells}/", f"{path}/") is not None
