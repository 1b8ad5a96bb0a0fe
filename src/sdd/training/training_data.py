"""The segments of a run, and the batches that a recipe makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sdd.data.batching import length_sorted_batches, plan_epoch
from sdd.data.buckets import budgeted_durations, warn_of_small_batches
from sdd.data.dataset import SegmentDataset
from sdd.data.segments import Segments, without_suffixes
from sdd.training.recipe import Recipe

RELEASED_BATCH_SEED = 42
RELEASED_VALIDATION_BATCH = 10


@dataclass(frozen=True)
class TrainingData:
    """The segments to train on, those to validate on, and the folder of their FLAC files."""

    training: Segments
    validation: Segments
    audio_folder: Path

    def without_suffixes(self, suffixes: Sequence[str]) -> "TrainingData":
        """Leave out the segments whose source is of one of these kinds."""
        training, validation = (
            without_suffixes(table, suffixes) for table in (self.training, self.validation)
        )
        return TrainingData(training, validation, self.audio_folder)

    def training_set(self, recipe: Recipe, seed: int) -> SegmentDataset:
        """Return the segments to train on, cropped and augmented."""
        return self._cropped_and_augmented(self.training, recipe, seed)

    def validation_set(self, recipe: Recipe, seed: int) -> SegmentDataset:
        """Return the segments to validate on: whole and clean, unless the recipe says otherwise."""
        if recipe.validation_as_training:
            return self._cropped_and_augmented(self.validation, recipe, seed)
        return SegmentDataset.of(self.validation, self.audio_folder)

    def plan_epoch(self, recipe: Recipe, seed: int, epoch: int) -> list[list[int]]:
        """Plan the batches of an epoch of training."""
        return plan_epoch(
            self._budgeted(recipe),
            budget_seconds=recipe.batch_seconds,
            buckets=recipe.buckets,
            seed=RELEASED_BATCH_SEED if recipe.batch_seed == "fixed" else seed,
            epoch=0 if recipe.batch_order == "first_epoch" else epoch,
        )

    def warn_of_small_batches(self, recipe: Recipe) -> None:
        """Log where batches come out much smaller than the recipe asks for."""
        warn_of_small_batches(self._budgeted(recipe), recipe.batch_seconds, recipe.buckets)

    def plan_validation(self, recipe: Recipe) -> list[list[int]]:
        """Plan the batches of a validation."""
        if not recipe.validation_as_training:
            return length_sorted_batches(self.validation.durations, recipe.batch_seconds)
        order, size = list(range(len(self.validation))), RELEASED_VALIDATION_BATCH
        return [order[first : first + size] for first in range(0, len(order), size)]

    def _budgeted(self, recipe: Recipe) -> npt.NDArray[np.float64]:
        return budgeted_durations(
            self.training.durations,
            longer_than=recipe.crop.longer_than,
            longest=recipe.crop.longest,
            whole=recipe.batch_durations == "whole",
        )

    def _cropped_and_augmented(self, table: Segments, recipe: Recipe, seed: int) -> SegmentDataset:
        return SegmentDataset.of(
            table, self.audio_folder, crop=recipe.crop, rawboost=recipe.rawboost, seed=seed
        )
