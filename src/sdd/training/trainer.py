"""The loop of fine-tuning, and its complete state.

A run that was killed goes on from its last state and ends in the same weights: every random choice
comes from the seed, the epoch and the segment (`sdd.data.dataset`), or from a generator whose state
is saved.
"""

import json
import logging
import math
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from itertools import takewhile
from pathlib import Path

import torch

from sdd.data.audio import SAMPLE_RATE
from sdd.data.batch_loading import load_batches
from sdd.data.dataset import Batch
from sdd.detector.checkpoints.saving import save_detector
from sdd.detector.inference import predict
from sdd.errors import InputError
from sdd.metrics.error_rates import eer, selection_der
from sdd.runtime.machine import Machine
from sdd.runtime.progress import progress_bar
from sdd.runtime.stopping import StopRequest
from sdd.training.optimiser import adamw, clip_gradient, gradient_norm
from sdd.training.policies import Policies
from sdd.training.run_states import STATE, describe_segments
from sdd.training.state import HISTORY, Progress, load_state, save_state
from sdd.training.training_data import TrainingData

logger = logging.getLogger(__name__)


class Trainer:
    """Fine-tunes a detector by one objective.

    Parameters
    ----------
    policies
        What is trained, with the frozen policies of its objective and the recipe; on the device
        to compute on.
    seed
        Reaches order, crops, augmentation, dropout and sampled labels.
    state
        Folder of the run's state; nothing else may be in it.
    machine
        Data-loading processes, and how often the state is saved.
    start
        Digest of the weights that the stage starts from; a state of another start is refused.
    code
        Digest of the code; a state of other code is refused.
    accept_state
        Whether a state of other code is gone on with.
    kept_steps
        After these steps the weights are kept (`kept`), whatever their validation EER.
    """

    def __init__(
        self,
        policies: Policies,
        data: TrainingData,
        *,
        seed: int,
        state: Path,
        machine: Machine,
        start: str = "",
        code: str = "",
        accept_state: bool = False,
        kept_steps: Sequence[int] = (),
    ) -> None:
        self.policies = policies
        self.recipe = recipe = policies.recipe
        self.data = data
        self.seed = seed
        self.state = state
        self.machine = machine
        self.start = start
        self.code = code
        self.accept_state = accept_state
        self.kept_steps = kept_steps
        self.dataset = data.training_set(recipe, seed)
        self.validation_dataset = data.validation_set(recipe, seed)
        self.optimiser = adamw(policies.policy, recipe)
        self.sampler = torch.Generator().manual_seed(seed)
        self.progress = Progress(codes=[code])
        self.saved: tuple[int, int] | None = None
        self.last_save = time.monotonic()
        self.last_tick = time.monotonic()

    # -------------------------------------------------------------------------------- the loop
    def run(self, stop: StopRequest) -> bool:
        """Train to the end, or until asked to stop.

        Parameters
        ----------
        stop
            Looked at after each step, and between the batches of a validation, which is then left
            for the run that goes on.

        Returns
        -------
        bool
            Whether the end was reached; if not, the state is saved.
        """
        total = self.total_steps(len(self.plan()))
        self._check_kept_steps(total)
        self.last_save = self.last_tick = time.monotonic()
        with (
            closing(self._batches()) as batches,
            progress_bar(total=total, initial=self.progress.step, desc="steps") as bar,
        ):
            # A run that goes on may have stopped ahead of a validation, which then comes first.
            self._validate_if_due(total, stop)
            self._save_if_due(total, stop)
            while not (self._is_finished(total) or stop.requested):
                loss = self.train_step(next(batches))
                self._keep_if_due()
                bar.update()
                bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
                self._validate_if_due(total, stop)
                self._save_if_due(total, stop)
        if self._is_finished(total):
            return True
        self.save()
        return False

    def _validate_if_due(self, total: int, stop: StopRequest) -> None:
        if self._validation_is_due(total):
            self.validate(stop)

    def _save_if_due(self, total: int, stop: StopRequest) -> None:
        # What is finished needs no state, and a run that stops saves it anyhow.
        if self._saving_is_due() and not (self._is_finished(total) or stop.requested):
            self.save()
            self._log_progress(total)

    def _keep_if_due(self) -> None:
        # Ahead of the state of this step: whatever a run goes on from, the weights of the steps
        # before it are there, and those of later ones are written anew.
        if self.progress.step in self.kept_steps:
            save_detector(self.policies.policy, self.kept(self.progress.step), {})

    def _check_kept_steps(self, total: int) -> None:
        beyond = [step for step in self.kept_steps if step > total]
        if beyond:
            raise InputError(
                f"the weights of step {beyond[0]} are to be kept, but the run has {total} steps "
                "(max_steps and epochs of the recipe); leave the step out or raise epochs"
            )

    def _log_progress(self, total: int) -> None:
        step, seconds = self.progress.step, self.progress.wall_time
        if 0 < step < total:
            left = (total - step) * seconds / step / 3600
            logger.info(
                "step %d of %d, %.3g s each; the state is saved; %.1f hours to go at most",
                *(step, total, seconds / step, left),
            )

    def _batches(self) -> Generator[Batch, None, None]:
        """Yield batches from where the run stands, epoch after epoch."""
        progress = self.progress
        while True:
            yield from self._rest_of_epoch(self.plan())
            progress.epoch += 1
            progress.batch = 0

    def _validation_is_due(self, total: int) -> bool:
        step = self.progress.step
        turn = step % self.recipe.validate_every == 0 or step == total
        return step > 0 and turn and self.progress.validated != step

    def _is_finished(self, total: int) -> bool:
        """Tell whether the last step is done and validated, or validations stopped improving."""
        progress, patience = self.progress, self.recipe.early_stopping
        if self._validation_is_due(total):
            return False
        return progress.step == total or (
            patience is not None and progress.validations_since_best() >= patience
        )

    def _saving_is_due(self) -> bool:
        progress = self.progress
        if progress.step == 0 or self.saved == (progress.step, progress.validated):
            return False  # nothing is new
        saved_step = self.saved[0] if self.saved else None
        just_validated = progress.validated == progress.step != saved_step
        return just_validated or time.monotonic() - self.last_save > 60 * self.machine.save_minutes

    def total_steps(self, batches_of_epoch: int) -> int:
        """Return the most steps of the run: so many epochs or steps, whichever ends first."""
        return min(self.recipe.max_steps, self.recipe.epochs * batches_of_epoch)

    def plan(self) -> list[list[int]]:
        """Plan the batches of the current epoch."""
        return self.data.plan_epoch(self.recipe, self.seed, self.progress.epoch)

    def _rest_of_epoch(self, batches: list[list[int]]) -> Iterator[Batch]:
        progress = self.progress
        return load_batches(
            self.dataset,
            batches,
            epoch=progress.epoch,
            first=progress.batch,
            workers=self.machine.workers,
        )

    def train_step(self, batch: Batch) -> float:
        """Take one optimiser step and note it in the history; return the loss.

        Raises
        ------
        InputError
            If the loss or the gradient is not finite: the step and the batch's segments.
        """
        progress, recipe, policies = self.progress, self.recipe, self.policies
        progress.step += 1
        policies.before_step(progress.step)
        policies.train()
        rate = recipe.learning_rate_of_step(progress.step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        loss, diagnostics = policies.loss(batch, self.sampler)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = gradient_norm(policies.policy)
        # Everything that is looked at in one go: each look would wait for a GPU.
        seen = {"loss": loss.detach(), "grad_norm": norm, **diagnostics}
        found: list[float] = torch.stack(list(seen.values())).tolist()
        values = dict(zip(seen, found, strict=True))
        self._check_finite("loss", values["loss"], batch)
        self._check_finite("gradient", values["grad_norm"], batch)
        clip_gradient(policies.policy, norm, values["grad_norm"], recipe.max_gradient_norm)
        self.optimiser.step()
        progress.batch += 1
        progress.audio_seconds += batch.lengths.sum().item() / SAMPLE_RATE
        self._note(learning_rate=rate, **values)
        return values["loss"]

    def _check_finite(self, what: str, value: float, batch: Batch) -> None:
        if not math.isfinite(value):
            names = self.data.training.segment_id
            segments = ", ".join(names[index] for index in batch.indices.tolist())
            raise InputError(
                f"step {self.progress.step}: the {what} is {value}; segments of the batch: "
                f"{segments}; {self.kept_state}; lower learning_rate or look at these segments"
            )

    def _note(self, **values: float) -> None:
        progress, now = self.progress, time.monotonic()
        progress.wall_time += now - self.last_tick
        self.last_tick = now
        known = {
            "step": progress.step,
            "epoch": progress.epoch,
            "audio_seconds": progress.audio_seconds,
            "wall_time": progress.wall_time,
            **values,
        }
        progress.history.append([float(known.get(name, math.nan)) for name in HISTORY])

    # ------------------------------------------------------------------------------ validation
    def validate(self, stop: StopRequest) -> None:
        """Measure the policy on the validation set and keep its weights if they are the best.

        Once asked to stop, nothing is measured and nothing changes.
        """
        recipe, progress, table = self.recipe, self.progress, self.data.validation
        batches = load_batches(
            self.validation_dataset,
            self.data.plan_validation(recipe),
            epoch=progress.step,
            workers=self.machine.workers,
        )
        with closing(batches):
            logits = predict(
                self.policies.policy,
                takewhile(lambda _: not stop.requested, batches),
                count=len(table),
                precision=recipe.precision,
                masked=recipe.padding == "masked",
            )
        if stop.requested:
            return
        scores, real = logits[:, 1], table.is_real
        rate, _ = eer(scores[real], scores[~real])
        der = selection_der(scores[real], scores[~real])
        progress.history[-1][HISTORY.index("validation_eer")] = rate
        progress.history[-1][HISTORY.index("validation_der")] = der
        progress.validated = progress.step
        selected = rate if recipe.selection == "eer" else der
        logger.info(
            "step %d: validation EER %.2f %%, (FP+FN)/(TP+TN) %.4f", progress.step, 100 * rate, der
        )
        if selected < progress.best:
            progress.best, progress.best_step = selected, progress.step
            save_detector(self.policies.policy, self.best, {})

    @property
    def best(self) -> Path:
        """File of the best weights so far.

        Named by its step: a run that was killed before it could save its state goes on from an
        earlier one, and on a GPU need not find the later weights again.
        """
        return self.state / f"best_{self.progress.best_step}.safetensors"

    def kept(self, step: int) -> Path:
        """File of the weights after one of `kept_steps`."""
        return self.state / f"step_{step}.safetensors"

    # ----------------------------------------------------------------------------------- state
    @property
    def kept_state(self) -> str:
        """What is there to go on from, in words."""
        if self.saved is None:
            return "no state was saved before"
        return f"the state of step {self.saved[0]} is kept in {self.state}"

    def settings(self) -> str:
        """Describe everything a saved state must agree with, as JSON."""
        # A run that goes on cannot make up for steps that it has behind it.
        kept = {"kept steps": list(self.kept_steps)} if self.kept_steps else {}
        return json.dumps(
            {
                **self.policies.settings(),
                **kept,
                "start": self.start,
                "seed": self.seed,
                "training data": describe_segments(self.data.training),
                "validation data": describe_segments(self.data.validation),
            },
            default=str,
            sort_keys=True,
        )

    def save(self) -> None:
        """Save the complete state, atomically; weights that are no longer the best go."""
        save_state(
            self.state / STATE,
            settings=self.settings(),
            progress=self.progress,
            policies=self.policies,
            optimiser=self.optimiser,
            sampler=self.sampler,
        )
        self.last_save = time.monotonic()
        self.saved = self.progress.step, self.progress.validated
        for path in self.state.glob("best_*.safetensors"):
            if path != self.best:
                path.unlink()

    def restore(self) -> None:
        """Go on from a saved state, if there is one; what a killed run left half-written goes.

        Raises
        ------
        InputError
            If it belongs to other settings (what differs), or to other code.
        """
        for half_written in self.state.glob(".*"):
            half_written.unlink()
        path = self.state / STATE
        if not path.exists():
            return
        self.progress = load_state(
            path,
            settings=self.settings(),
            code=self.code,
            accept_other_code=self.accept_state,
            policies=self.policies,
            optimiser=self.optimiser,
            sampler=self.sampler,
        )
        self.saved = self.progress.step, self.progress.validated
        logger.info("going on from step %d", self.progress.step)
        if self.progress.codes[-1] != self.code:
            self.progress.codes.append(self.code)
            # At once: the file would otherwise be refused again, should this run be cut off soon.
            self.save()
