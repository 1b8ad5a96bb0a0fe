"""Running a detector over batches."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sdd.data.dataset import Batch
from sdd.detector.detector import Detector, normalise_waveforms, unless_all_count
from sdd.runtime.devices import Precision, computing_in


@dataclass(frozen=True)
class Predictions:
    """What a detector says of N segments, in their own order."""

    logits: np.ndarray
    """``float32 [N, 2]``: index 0 FAKE, 1 REAL."""
    embeddings: np.ndarray | None
    """``float32 [N, D]``, pooled; None unless asked for."""


@dataclass(frozen=True)
class PreparedBatch:
    """A batch as every policy of a step sees it: on the device, checked and normalised, once.

    Attributes
    ----------
    waveforms
        ``float32 [B, T]``, each normalised over its own length.
    lengths
        ``int64 [B]`` where padding is masked; None where there is none or it is pooled.
    labels
        ``int64 [B]``, 0 fake, 1 real.
    """

    waveforms: Tensor
    lengths: Tensor | None
    labels: Tensor


def prepare_batch(detector: Detector, batch: Batch, *, masked: bool) -> PreparedBatch:
    """Move a batch to a detector's device, normalise and check it.

    Parameters
    ----------
    detector
        Any of those of its device and architecture.
    masked
        Whether padding is masked, or goes through the encoder and is averaged in with the rest,
        as the released code does. Waveforms are normalised over their own lengths either way.

    Raises
    ------
    InputError
        If the batch cannot be scored (`Detector.check_input`).
    """
    device = detector.device
    waveforms = batch.waveforms.to(device, non_blocking=True)
    waveforms = normalise_waveforms(waveforms, batch.lengths)
    # The lengths on the CPU are looked at: those on a GPU would have to be waited for.
    lengths = batch.lengths if masked else None
    detector.check_input(waveforms, lengths)
    lengths = unless_all_count(waveforms, lengths)
    lengths = None if lengths is None else lengths.to(device)
    return PreparedBatch(waveforms, lengths, batch.labels.to(device))


def forward(
    detector: Detector, batch: PreparedBatch, *, precision: Precision
) -> tuple[Tensor, Tensor]:
    """Run a detector over a batch on its device.

    Returns
    -------
    embeddings
        ``float32 [B, D]``, pooled.
    logits
        ``float32 [B, 2]``, 0 FAKE and 1 REAL.
    """
    with computing_in(batch.waveforms.device, precision):
        embedding, logits = detector.pool_and_score(batch.waveforms, batch.lengths)
    return embedding.float(), logits.float()


@dataclass(frozen=True)
class BatchPredictions:
    """What a detector says of the B segments of a batch."""

    rows: np.ndarray
    """``int64 [B]``, places in the segment table."""
    logits: np.ndarray
    """``float32 [B, 2]``: index 0 FAKE, 1 REAL."""
    embeddings: np.ndarray | None
    """``float32 [B, D]``, pooled; None unless asked for."""


def predict_batches(
    detector: Detector,
    batches: Iterable[Batch],
    *,
    precision: Precision,
    masked: bool = True,
    embeddings: bool = False,
) -> Iterator[BatchPredictions]:
    """Run a detector over batches, one after the other.

    Parameters
    ----------
    detector
        Its mode is set to eval.
    masked
        Whether padding is masked, or pooled with the rest as the released code does.
    embeddings
        Whether the pooled embeddings are wanted.
    """
    detector.eval()
    for batch in batches:
        with torch.inference_mode():
            prepared = prepare_batch(detector, batch, masked=masked)
            pooled, logits = forward(detector, prepared, precision=precision)
        yield BatchPredictions(
            batch.indices.numpy(),
            logits.cpu().numpy(),
            pooled.cpu().numpy() if embeddings else None,
        )


def predict(
    detector: Detector,
    batches: Iterable[Batch],
    *,
    count: int,
    precision: Precision,
    masked: bool = True,
) -> np.ndarray:
    """Run a detector over batches and put the logits into the order of the segments.

    Parameters
    ----------
    detector
        Its mode is set to eval.
    batches
        Of segments 0 .. `count` - 1, each exactly once.

    Returns
    -------
    ndarray
        ``float32 [N, 2]``; index 0 FAKE, 1 REAL.
    """
    logits = np.full((count, 2), np.nan, dtype=np.float32)
    for found in predict_batches(detector, batches, precision=precision, masked=masked):
        logits[found.rows] = found.logits
    return logits
