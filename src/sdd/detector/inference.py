"""Running a detector: devices, arithmetic precision, batches."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from sdd.data.dataset import Batch
from sdd.detector import Detector, normalise_waveforms
from sdd.runtime.gpus import claim_gpu

Precision = Literal["fp32", "tf32", "bf16"]


def choose_device(name: str) -> torch.device:
    """Turn the config's `device` into a torch device.

    `auto` is a GPU where there is one: of several, one that no other process of this machine has.
    """
    if name == "auto":
        count = torch.cuda.device_count()
        name = "cuda" if count else "cpu"
        if count > 1:
            names = [str(torch.cuda.get_device_properties(index).uuid) for index in range(count)]
            name = f"cuda:{claim_gpu(names)}"
    return torch.device(name)


def describe_device(device: torch.device) -> str:
    """Name a device and, of a GPU, its kind: what run times belong to."""
    if device.type == "cuda":
        return f"{device}, {torch.cuda.get_device_name(device)}"
    return str(device)


def prepare(precision: Precision, threads: int) -> None:
    """Set up this process: CPU threads, and how float32 matrices are multiplied on a GPU."""
    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """Run a block in bf16 where that is asked for and there is a GPU; the CPU stays in fp32."""
    if precision == "bf16" and device.type == "cuda":
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()


@dataclass(frozen=True)
class Predictions:
    """What a detector says of N segments, in their own order."""

    logits: np.ndarray
    """[N, 2] float32: index 0 FAKE, 1 REAL."""
    embeddings: np.ndarray | None
    """[N, D] float32, pooled; None unless asked for."""


def forward(
    detector: Detector,
    batch: Batch,
    device: torch.device,
    *,
    precision: Precision,
    masked: bool,
    compiled: bool = False,
) -> tuple[Tensor, Tensor]:
    """Run a detector over a batch; each waveform is normalised over its own length.

    Parameters
    ----------
    detector
        On `device`.
    batch
        Waveforms [B, T], padded with zeros.
    device, precision
        Where and how to compute.
    masked
        Whether padding is masked, or goes through the encoder and is averaged in with the rest,
        as the released code does.
    compiled
        Whether to run through `torch.compile`.

    Returns
    -------
    Tensor
        [B, D], pooled embeddings.
    Tensor
        [B, 2], logits in float32.
    """
    lengths = batch.lengths.to(device)
    waveforms = normalise_waveforms(batch.waveforms.to(device, non_blocking=True), lengths)
    network = compiled_network() if compiled else Detector.embed_and_logits
    if compiled:
        # Inside a compiled function values cannot be looked at.
        detector.check_input(waveforms, lengths if masked else None)
    with autocast(device, precision):
        embedding, logits = network(
            detector, waveforms, lengths if masked else None, normalise=False
        )
    return embedding.float(), logits.float()


@cache
def compiled_network() -> Callable[..., tuple[Tensor, Tensor]]:
    """Compile `Detector.embed_and_logits`, once for all detectors and batch shapes."""
    return torch.compile(Detector.embed_and_logits, fullgraph=True, dynamic=True)


@dataclass(frozen=True)
class BatchPredictions:
    """What a detector says of the B segments of a batch."""

    rows: np.ndarray
    """[B] int64, places in the segment table."""
    logits: np.ndarray
    """[B, 2] float32: index 0 FAKE, 1 REAL."""
    embeddings: np.ndarray | None
    """[B, D] float32, pooled; None unless asked for."""


def predict_batches(
    detector: Detector,
    batches: Iterable[Batch],
    *,
    device: torch.device,
    precision: Precision,
    masked: bool = True,
    embeddings: bool = False,
) -> Iterator[BatchPredictions]:
    """Run a detector over batches, one after the other.

    Parameters
    ----------
    detector
        On `device`; its mode is set to eval.
    batches
        Of segments.
    device, precision
        Where and how to compute.
    masked
        Whether padding is masked, or pooled with the rest as the released code does.
    embeddings
        Whether the pooled embeddings are wanted.

    Yields
    ------
    BatchPredictions
        Of each batch.
    """
    detector.eval()
    for batch in batches:
        with torch.inference_mode():
            pooled, logits = forward(detector, batch, device, precision=precision, masked=masked)
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
    device: torch.device,
    precision: Precision,
    masked: bool = True,
) -> np.ndarray:
    """Run a detector over batches and put the logits into the order of the segments.

    Parameters
    ----------
    detector
        On `device`; its mode is set to eval.
    batches
        Of segments 0 .. `count` - 1, each exactly once.
    count
        N.
    device, precision, masked
        As for `predict_batches`.

    Returns
    -------
    ndarray
        [N, 2] float32; index 0 FAKE, 1 REAL.
    """
    logits = np.full((count, 2), np.nan, dtype=np.float32)
    for found in predict_batches(
        detector, batches, device=device, precision=precision, masked=masked
    ):
        logits[found.rows] = found.logits
    return logits
