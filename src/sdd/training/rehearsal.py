"""The largest batch of an epoch and AdamW's moments, tried before the first step.

Memory that runs out does so in the first minute, not after hours when the longest segments meet.
"""

import logging

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sdd.data.audio import SAMPLE_RATE
from sdd.data.dataset import Batch
from sdd.training.trained_weights import trained_parameters
from sdd.training.trainer import Trainer

logger = logging.getLogger(__name__)


def rehearse(trainer: Trainer) -> None:
    """Take the largest batch through a step that changes nothing.

    Weights, moments, gradients, generators and progress are as before. The waveforms are tones: no
    audio is read.
    """
    batch = largest_batch(trainer)
    policies, device = trainer.policies, trainer.policies.policy.device
    on_gpu = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=on_gpu):
        moments = _missing_moments(trainer)
        policies.train()
        # A generator of its own: the run's is not to move.
        loss, _ = policies.loss(batch, torch.Generator().manual_seed(0))
        loss.backward()  # type: ignore[no-untyped-call]
        trainer.optimiser.zero_grad(set_to_none=True)
        del moments
    if device.type == "cuda":
        logger.info(
            "the largest batch, %d segments of %.1f s at most, needs %.1f GB of the GPU's %.1f GB",
            len(batch.labels),
            batch.waveforms.shape[1] / SAMPLE_RATE,
            torch.cuda.max_memory_allocated(device) / 1e9,
            torch.cuda.get_device_properties(device).total_memory / 1e9,
        )


def largest_batch(trainer: Trainer) -> Batch:
    """Make a batch as large as the largest of the current epoch, padding included."""
    seconds, rows = _cropped_seconds(trainer), largest_first(trainer)[0]
    lengths = torch.tensor([round(SAMPLE_RATE * float(seconds[row])) for row in rows])
    time = torch.arange(int(lengths.max())) / SAMPLE_RATE
    waveforms = torch.sin(440 * time).repeat(len(rows), 1)
    waveforms[torch.arange(len(time)) >= lengths[:, None]] = 0
    return Batch(waveforms, lengths, torch.arange(len(rows)) % 2, torch.tensor(rows))


def largest_first(trainer: Trainer) -> list[list[int]]:
    """Return the batches of the current epoch, the largest first, padding included."""
    seconds = _cropped_seconds(trainer)
    return sorted(trainer.plan(), key=lambda rows: -len(rows) * seconds[rows].max())


def _cropped_seconds(trainer: Trainer) -> npt.NDArray[np.float64]:
    """Return the most that is left of each segment once it is cropped."""
    crop, seconds = trainer.recipe.crop, trainer.data.training.durations
    cropped: npt.NDArray[np.float64] = np.where(seconds > crop.longer_than, crop.longest, seconds)
    return cropped


def _missing_moments(trainer: Trainer) -> list[Tensor]:
    """Take the room that AdamW's moments will take; a run that goes on has them already."""
    if trainer.optimiser.state:
        return []
    trained = trained_parameters(trainer.policies.policy).values()
    return [torch.zeros_like(parameter) for parameter in trained for _ in range(2)]
