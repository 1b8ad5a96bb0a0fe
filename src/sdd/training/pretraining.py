"""Self-supervised pre-training of a small encoder: predicting masked frames.

For experiments whose models have no published checkpoint (the demo). Spans of frames are replaced
by a learned vector, and a linear layer predicts the log-mel spectrum of what was there from the
encoder's output: the masked reconstruction of Liu et al. (Mockingjay, ICASSP 2020; TERA, TASLP
2021) on a wav2vec 2.0 encoder.
"""

import logging
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import torchaudio
from torch import Tensor, nn
from tqdm import tqdm

from sdd.data.dataset import Batch, CropRule, load_batches, plan_epoch
from sdd.data.segment_data import durations, make_dataset
from sdd.data.segments import Segments
from sdd.detector import Detector, normalise_waveforms
from sdd.detector.architectures import find_architecture
from sdd.detector.checkpoints.saving import save_encoder
from sdd.detector.inference import choose_device, prepare
from sdd.runtime.csv_rows import write_rows

MEL_BANDS = 40
WINDOW = 400
logger = logging.getLogger(__name__)


def span_mask(
    lengths: Tensor, frames: int, probability: float, span: int, generator: torch.Generator
) -> Tensor:
    """Choose spans of frames to mask.

    Parameters
    ----------
    lengths
        [B], valid frames of each utterance.
    frames
        F, the frames of the padded batch.
    probability
        Expected share of frames in a span, were spans not to overlap.
    span
        Frames of a span.
    generator
        Source of randomness.

    Returns
    -------
    Tensor
        [B, F] bool; only valid frames, and at least one in each utterance.
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
        """Give the targets of a batch.

        Parameters
        ----------
        waveforms
            [B, T].
        lengths
            [B], valid frames of each.
        frames
            F, the encoder's frames.

        Returns
        -------
        Tensor
            [B, F, MEL_BANDS], mean 0 and variance 1 over the valid frames of each band.
        """
        power: Tensor = self.spectrum(F.pad(waveforms, (0, 512)))[..., :frames]
        spectra = torch.log(power + 1e-6).transpose(1, 2)
        count = lengths.to(spectra.device)[:, None, None]
        padding = torch.arange(frames, device=spectra.device)[None, :, None] >= count
        mean = spectra.masked_fill(padding, 0).sum(1, keepdim=True) / count
        centred = (spectra - mean).masked_fill(padding, 0)
        return centred / (centred.square().sum(1, keepdim=True) / count + 1e-5).sqrt()


def pretrain(
    *,
    table: Segments,
    audio_folder: Path,
    model: Path,
    history: Path,
    architecture: str | Mapping[str, Any],
    seed: int,
    steps: int,
    batch_seconds: float,
    crop_seconds: float,
    learning_rate: float,
    mask_probability: float,
    mask_frames: int,
    device: str = "auto",
    threads: int = 1,
    workers: int = 0,
) -> None:
    """Pre-train an encoder without labels and save it.

    Parameters
    ----------
    table
        Segments to train on; their labels are not used.
    audio_folder
        Where their FLAC files are.
    model, history
        Where the encoder (safetensors) and the losses (CSV) go.
    architecture
        Of the encoder.
    seed
        Reaches initialisation, order, crops, masks and dropout.
    steps, batch_seconds, crop_seconds, learning_rate
        Length and size of the training; AdamW with a linear warm-up over a tenth of the steps and
        a linear decay.
    mask_probability, mask_frames
        Share of masked frames, and frames of a span.
    device, threads, workers
        How to compute.
    """
    where = choose_device(device)
    prepare("fp32", threads)
    torch.manual_seed(seed)
    described = find_architecture(architecture)
    detector = Detector(described)
    detector.initialise(seed)
    encoder = detector.to(where).encoder
    width = described.encoder_embed_dim
    head = nn.Linear(width, MEL_BANDS).to(where)
    mask_embedding = nn.Parameter(torch.rand(width, device=where))
    shift = math.prod(stride for _, _, stride in described.convolutions)
    target = LogMel(shift).to(where)
    parameters = [*encoder.parameters(), *head.parameters(), mask_embedding]
    optimiser = torch.optim.AdamW(parameters, lr=learning_rate)
    warm_up = max(1, steps // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda n: min((n + 1) / warm_up, (steps - n) / max(1, steps - warm_up))
    )
    generator = torch.Generator().manual_seed(seed)
    dataset = make_dataset(
        table,
        audio_folder,
        crop=CropRule(crop_seconds, crop_seconds, crop_seconds),
        rawboost=0,
        seed=seed,
    )
    batches = _endless(dataset, durations(table), batch_seconds, crop_seconds, seed, workers)
    rows = []
    encoder.train()
    for step in tqdm(range(1, steps + 1), desc="steps", disable=None):
        batch = next(batches)
        waveforms, lengths = batch.waveforms.to(where), encoder.frames(batch.lengths)
        count = int(described.frames(waveforms.shape[1]))
        mask = span_mask(lengths, count, mask_probability, mask_frames, generator).to(where)
        normalised = normalise_waveforms(waveforms, batch.lengths.to(where))
        features, _ = encoder(normalised, batch.lengths.to(where), mask, mask_embedding)
        loss = F.l1_loss(head(features[mask]), target(normalised, lengths, count)[mask])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        schedule.step()
        rows.append({"step": step, "loss": f"{loss.item():.6g}"})
    logger.info("masked-frame loss: %s at first, %s at last", rows[0]["loss"], rows[-1]["loss"])
    save_encoder(detector, model, {"training": f"self-supervised, {steps} steps, seed {seed}"})
    write_rows(history, rows)


def _endless(
    dataset: Any,  # noqa: ANN401
    seconds: np.ndarray,
    batch_seconds: float,
    crop_seconds: float,
    seed: int,
    workers: int,
) -> Iterator[Batch]:
    """Yield batches, epoch after epoch."""
    epoch = 0
    while True:
        plan = plan_epoch(
            np.minimum(seconds, crop_seconds),
            budget_seconds=batch_seconds,
            buckets=20,
            seed=seed,
            epoch=epoch,
        )
        yield from load_batches(dataset, plan, epoch=epoch, workers=workers)
        epoch += 1
