"""Lines of a plan, and what is done of them."""

from dataclasses import dataclass
from pathlib import Path

from sdd.experiment import tree
from sdd.experiment.cells import Cell, ScoringJob
from sdd.experiment.needs import Job


@dataclass(frozen=True)
class Line:
    """A kind of job.

    Attributes
    ----------
    name
        What its jobs do.
    job
        What one of them needs.
    jobs, done
        How many there are, and how many of them are done.
    """

    name: str
    job: Job
    jobs: int
    done: int

    @property
    def device_hours(self) -> float | None:
        """Hours of GPUs, or of a CPU without them, of all jobs; None where one's are not known."""
        if not self.job.computes:
            return 0.0
        return None if self.job.hours is None else self.jobs * self.job.hours


@dataclass(frozen=True)
class Made:
    """What lies in the tree of results: a job is done when all of its outputs are there."""

    results: Path
    recipe: str
    models_are_kept: bool

    def has(self, *patterns: str, **names: str) -> bool:
        """Tell whether there is a file for each of some patterns of `sdd.experiment.tree`."""
        names["recipe"] = self.recipe
        return all(tree.path(pattern, self.results, **names).exists() for pattern in patterns)

    def has_model(self, cell: Cell) -> bool:
        """Tell whether a cell is fine-tuned; its weights may have been deleted since."""
        outputs = [tree.MODEL, tree.HISTORY] if self.models_are_kept else [tree.HISTORY]
        return self.has(*outputs, cell=cell.path)

    def has_average(self, cell: Cell) -> bool:
        """Tell whether a cell's weights are averaged; they are deleted once it is scored."""
        kept = tree.MODEL if self.models_are_kept else tree.EER
        return self.has(tree.MODEL, cell=cell.path) or self.has(kept, cell=cell.path)

    def has_scores(self, path: str, job: ScoringJob) -> bool:
        """Tell whether a cell, or a step of a run, has all that a scoring job makes."""
        outputs = [(tree.SCORES, job.sets), (tree.EMBEDDINGS, job.embedded)]
        return all(
            self.has(pattern, cell=path, set=name) for pattern, sets in outputs for name in sets
        )
