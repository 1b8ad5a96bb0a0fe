"""Self-supervised pre-training of a small encoder: predicting masked frames.

For experiments whose models have no published checkpoint (the demo). Spans of frames are replaced
by a learned vector, and a linear layer predicts the log-mel spectrum of what was there from the
encoder's output: the masked reconstruction of Liu et al. (Mockingjay, ICASSP 2020; TERA, TASLP
2021) on a wav2vec 2.0 encoder.
"""

import json
import logging
import math
import shutil
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import torchaudio
from torch import Tensor, nn

from sdd.data.batch_loading import load_batches
from sdd.data.batching import plan_epoch
from sdd.data.buckets import warn_of_small_batches
from sdd.data.dataset import Batch, CropRule, SegmentDataset
from sdd.data.segments import Segments
from sdd.detector.architectures import find_architecture
from sdd.detector.checkpoints.saving import save_encoder
from sdd.detector.detector import Detector, normalise_waveforms
from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.csv_rows import write_rows
from sdd.runtime.devices import choose_device, prepare_process
from sdd.runtime.machine import Machine
from sdd.runtime.ownership import sole_owner
from sdd.runtime.progress import progress_bar
from sdd.runtime.stopping import STOPPED, StopRequest
from sdd.training.optimiser import AdamW
from sdd.training.run_states import (
    STATE,
    describe_segments,
    generator_states,
    read_state,
    restore_generators,
)

MEL_BANDS = 40
WINDOW = 400
BUCKETS = 20
LOG_LINES, STEPS_A_LINE = 20, 1000
"""So many lines of the loss at least, and a line each so many steps."""
logger = logging.getLogger(__name__)


def span_mask(
    lengths: Tensor, frames: int, probability: float, span: int, generator: torch.Generator
) -> Tensor:
    """Choose spans of frames to mask.

    Parameters
    ----------
    lengths
        ``int64 [B]``, valid frames of each utterance.
    frames
        F, the frames of the padded batch.
    probability
        Expected share of frames in a span, were spans not to overlap.
    span
        Frames of a span.

    Returns
    -------
    Tensor
        ``bool [B, F]``: only valid frames, and at least one in each utterance.
    """
    starts = torch.rand(len(lengths), frames, generator=generator) < probability / span
    first = (torch.rand(len(lengths), generator=generator) * (lengths - span).clamp(min=1)).long()
    starts[torch.arange(len(lengths)), first] = True
    # A frame is masked if a span starts at most span - 1 frames before it.
    reach = F.max_pool1d(F.pad(starts.float()[:, None], (span - 1, 0)), span, stride=1)[:, 0]
    valid = torch.arange(frames)[None] < lengths[:, None]
    return (reach > 0) & valid


class LogMel(nn.Module):
    """Log-mel spectra at the encoder's frames, normalised within each utterance.

    Parameters
    ----------
    frame_shift
        Samples between frames: the product of the strides of the encoder's convolutions.
    """

    def __init__(self, frame_shift: int) -> None:
        super().__init__()
        self.spectrum = torchaudio.transforms.MelSpectrogram(
            n_fft=512, win_length=WINDOW, hop_length=frame_shift, n_mels=MEL_BANDS, center=False
        )

    def forward(self, waveforms: Tensor, lengths: Tensor, frames: int) -> Tensor:
        """Return the targets of a batch.

        Parameters
        ----------
        waveforms
            ``float32 [B, T]`` at 16 kHz.
        lengths
            ``int64 [B]``, valid frames of each.
        frames
            F, the encoder's frames.

        Returns
        -------
        Tensor
            ``float32 [B, F, MEL_BANDS]``, mean 0 and variance 1 over the valid frames of each band.
        """
        power: Tensor = self.spectrum(F.pad(waveforms, (0, 512)))[..., :frames]
        spectra = torch.log(power + 1e-6).transpose(1, 2)
        count = lengths.to(spectra.device)[:, None, None]
        padding = torch.arange(frames, device=spectra.device)[None, :, None] >= count
        mean = spectra.masked_fill(padding, 0).sum(1, keepdim=True) / count
        centred = (spectra - mean).masked_fill(padding, 0)
        return centred / (centred.square().sum(1, keepdim=True) / count + 1e-5).sqrt()


@dataclass(frozen=True)
class Pretraining:
    """What pre-training depends on: its slice of the config.

    Attributes
    ----------
    seed
        Reaches initialisation, order, crops, masks and dropout.
    steps, batch_seconds, crop_seconds, learning_rate
        Length and size of the training; AdamW with a linear warm-up over a tenth of the steps and
        a linear decay.
    mask_probability, mask_frames
        Share of masked frames, and frames of a span.
    """

    architecture: str | Mapping[str, Any]
    seed: int
    steps: int
    batch_seconds: float
    crop_seconds: float
    learning_rate: float
    mask_probability: float
    mask_frames: int

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0, as a share of the highest."""
        warm_up = max(1, self.steps // 10)
        return min((step + 1) / warm_up, (self.steps - step) / max(1, self.steps - warm_up))


@dataclass(frozen=True)
class PretrainingFiles:
    """Where pre-training goes to.

    Attributes
    ----------
    model, history
        Where the encoder (safetensors) and the losses (CSV) go.
    state
        Folder of the unfinished run; removed at the end.
    """

    model: Path
    history: Path
    state: Path


class MaskedPrediction(nn.Module):
    """An encoder, the layer that predicts spectra from its output, and the vector for masks."""

    def __init__(self, detector: Detector, settings: Pretraining) -> None:
        super().__init__()
        self.settings = settings
        self.described = detector.architecture
        self.encoder = detector.encoder
        width = self.described.encoder_embed_dim
        device = detector.device
        self.head = nn.Linear(width, MEL_BANDS).to(device)
        self.mask_embedding = nn.Parameter(torch.rand(width, device=device))
        shift = math.prod(stride for _, _, stride in self.described.convolutions)
        self.target = LogMel(shift).to(device)

    def trained(self) -> list[nn.Parameter]:
        """Return the parameters, those of the encoder first."""
        return [*self.encoder.parameters(), *self.head.parameters(), self.mask_embedding]

    def forward(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Return the mean absolute error of the spectra of masked frames, a scalar.

        Parameters
        ----------
        generator
            Source of the masks, on the CPU.
        """
        device = self.mask_embedding.device
        samples = batch.lengths.to(device)
        # Targets are made of what the encoder hears: each waveform at unit variance.
        waveforms = normalise_waveforms(batch.waveforms.to(device), samples)
        lengths = self.encoder.frames(batch.lengths)
        frames = int(self.described.frames(waveforms.shape[1]))
        mask = span_mask(
            lengths,
            frames,
            self.settings.mask_probability,
            self.settings.mask_frames,
            generator,
        ).to(device)
        features, _ = self.encoder(waveforms, samples, mask, self.mask_embedding)
        target = self.target(waveforms, lengths, frames)
        return F.l1_loss(self.head(features[mask]), target[mask])


class PretrainingRun:
    """The training of a task, and its complete state."""

    def __init__(self, task: MaskedPrediction, described: str) -> None:
        self.task = task
        self.described = described
        self.settings = task.settings
        self.optimiser = AdamW(task.trained(), lr=self.settings.learning_rate)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, self.settings.rate)
        self.masks = torch.Generator().manual_seed(self.settings.seed)
        self.losses: list[float] = []

    @property
    def device(self) -> torch.device:
        """The device that is computed on."""
        return self.task.mask_embedding.device

    def step(self, batch: Batch) -> None:
        """Take one step and note its loss."""
        self.task.train()
        loss = self.task(batch, self.masks)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.task.trained(), 1.0)
        self.optimiser.step()
        self.schedule.step()
        self.losses.append(loss.item())

    def save(self, path: Path) -> None:
        """Save all that the rest of the run depends on, atomically."""
        content = {
            "described": self.described,
            "losses": self.losses,
            "task": self.task.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "masks": self.masks.get_state(),
            **generator_states(self.device),
        }
        with atomic_path(path, durable=True) as temporary:
            torch.save(content, temporary)

    def restore(self, path: Path) -> None:
        """Go on from a saved state if there is one of the same settings, audio and code."""
        if not path.exists():
            return
        content = read_state(path, mmap=False)
        if content["described"] != self.described:
            logger.warning("%s is of other settings, audio or code: starting anew", path)
            return
        self.task.load_state_dict(content["task"])
        self.optimiser.load_state_dict(content["optimiser"])
        self.schedule.load_state_dict(content["schedule"])
        self.masks.set_state(content["masks"])
        self.losses = content["losses"]
        restore_generators(content, self.device)
        logger.info("going on from step %d", len(self.losses))


def pretrain(
    settings: Pretraining,
    table: Segments,
    audio_folder: Path,
    files: PretrainingFiles,
    machine: Machine,
    *,
    code: str,
) -> None:
    """Pre-train an encoder without labels and save it, or go on where a run was cut off.

    Parameters
    ----------
    table
        Segments to train on; their labels are not used.
    audio_folder
        Where their FLAC files are.
    code
        Digest of the code: a state of other code is not gone on with.

    Raises
    ------
    SystemExit
        With status `STOPPED` after a signal, or when another process wants to go on with this
        encoder; the state has been saved.
    """
    with sole_owner(files.state) as ownership, StopRequest(ownership).listening() as stop:
        device = choose_device(machine.device)
        prepare_process("fp32", machine.threads)
        # The detector has a generator of its own; the head, the mask and dropout draw from torch's.
        torch.manual_seed(settings.seed)
        detector = Detector(find_architecture(settings.architecture))
        detector.initialise(settings.seed)
        run = PretrainingRun(
            MaskedPrediction(detector.to(device), settings),
            json.dumps([asdict(settings), describe_segments(table), code], sort_keys=True),
        )
        state = files.state / STATE
        run.restore(state)
        with closing(
            _endless(settings, table, audio_folder, machine.workers, first=len(run.losses))
        ) as batches:
            _train(run, batches, state, machine.save_minutes, stop)
        losses = run.losses
        logger.info("masked-frame loss: %.6g at first, %.6g at last", losses[0], losses[-1])
        described = f"self-supervised, {settings.steps} steps, seed {settings.seed}"
        save_encoder(detector, files.model, {"training": described})
        rows = [{"step": step, "loss": f"{loss:.6g}"} for step, loss in enumerate(losses, start=1)]
        write_rows(files.history, rows)
        shutil.rmtree(files.state, ignore_errors=True)


def _train(
    run: PretrainingRun,
    batches: Iterator[Batch],
    state: Path,
    save_minutes: float,
    stop: StopRequest,
) -> None:
    """Take the steps that are left; save the state now and then, and when asked to stop."""
    total, last_save = run.settings.steps, time.monotonic()
    each = min(max(1, total // LOG_LINES), STEPS_A_LINE)
    with progress_bar(total=total, initial=len(run.losses), desc="steps") as bar:
        while len(run.losses) < total:
            run.step(next(batches))
            bar.update()
            if len(run.losses) % each == 0:
                recent = run.losses[-each:]
                logger.info(
                    "step %d of %d: masked-frame loss %.4g (mean of %d steps)",
                    *(len(run.losses), total, sum(recent) / len(recent), len(recent)),
                )
            if stop.requested or time.monotonic() - last_save > 60 * save_minutes:
                run.save(state)
                last_save = time.monotonic()
                logger.info("step %d of %d; the state is saved", len(run.losses), total)
            if stop.requested:
                raise SystemExit(STOPPED)


def _endless(
    settings: Pretraining, table: Segments, audio_folder: Path, workers: int, *, first: int
) -> Generator[Batch, None, None]:
    """Yield batches of crops, epoch after epoch, but for the first so many."""
    longest = settings.crop_seconds
    dataset = SegmentDataset.of(
        table, audio_folder, crop=CropRule(longest, longest, longest), seed=settings.seed
    )
    seconds = np.minimum(table.durations, longest)
    warn_of_small_batches(seconds, settings.batch_seconds, BUCKETS, fixed=True)
    epoch = 0
    while True:
        plan = plan_epoch(
            seconds,
            budget_seconds=settings.batch_seconds,
            buckets=BUCKETS,
            seed=settings.seed,
            epoch=epoch,
        )
        yield from load_batches(dataset, plan, epoch=epoch, first=first, workers=workers)
        first = max(0, first - len(plan))
        epoch += 1
