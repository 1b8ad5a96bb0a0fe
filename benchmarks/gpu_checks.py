"""What must hold on a GPU, each as a function of the device; on a CPU most of it holds trivially.

`tests/gpu` runs them as tests, `benchmarks/gpu.py` without pytest. Audio and weights are made up.
"""

import copy
import itertools
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.memory import PAPER, Row
from sdd.data.audio import SAMPLE_RATE
from sdd.data.batch_loading import load_batches
from sdd.data.dataset import Batch, collate
from sdd.data.segments import Segments
from sdd.detector import Detector, find_architecture
from sdd.detector.inference import forward, prepare_batch
from sdd.detector.initialisation import without_weights
from sdd.runtime.devices import prepare_process
from sdd.runtime.machine import Machine
from sdd.runtime.stopping import StopRequest
from sdd.training.objective_kinds import objective_from_config
from sdd.training.policies import Policies
from sdd.training.recipe import Recipe
from sdd.training.trainer import Trainer
from sdd.training.training_data import TrainingData

TINY: dict[str, Any] = {
    "extractor_mode": "layer_norm",
    "conv_feature_layers": "[(48, 32, 8)] + [(64, 8, 4)] + [(96, 10, 10)]",
    "conv_bias": True,
    "layer_norm_first": True,
    "encoder_layers": 2,
    "encoder_embed_dim": 96,
    "encoder_ffn_embed_dim": 192,
    "encoder_attention_heads": 4,
    "conv_pos": 32,
    "conv_pos_groups": 8,
    "dropout_input": 0.1,
}
CPU = torch.device("cpu")
GRPO: dict[str, Any] = PAPER["objectives"]["grpo"]
RECIPE = Recipe.from_config(
    {**PAPER["recipes"]["as_written"], "learning_rate": 1e-3, "warm_up_steps": 2, "rawboost": 0}
    | {"max_steps": 8, "validate_every": 4, "batch_seconds": 3.0, "buckets": 2, "precision": "fp32"}
)


def random_detector(model: str | dict[str, Any], device: torch.device) -> Detector:
    """Make a detector of random weights where it is to compute: at once, however large."""
    with without_weights():
        detector = Detector(find_architecture(model))
    generator = torch.Generator(device).manual_seed(0)
    weights = {}
    for name, weight in detector.state_dict().items():
        if weight.ndim == 1:  # norms and biases
            fill = torch.ones if name.endswith("weight") else torch.zeros
            weights[name] = fill(weight.shape, device=device)
        else:
            drawn = torch.randn(weight.shape, device=device, generator=generator)
            weights[name] = drawn * (1.0 if weight.numel() < 1000 else 0.02)
    detector.load_state_dict(weights, assign=True)
    return detector


def noise_batch(seconds: Sequence[float], seed: int = 0) -> Batch:
    """Make a batch of noise of these lengths."""
    generator = np.random.default_rng(seed)
    return collate(
        [
            (generator.standard_normal(round(SAMPLE_RATE * of)).astype(np.float32), row % 2, row)
            for row, of in enumerate(seconds)
        ]
    )


class Noise:
    """Segments of noise, in the place of a dataset: real ones are louder at low frequencies."""

    def __init__(self, table: Segments) -> None:
        self.table = table

    def __getitem__(self, key: tuple[int, int]) -> tuple[np.ndarray, int, int]:
        """Make a segment, which is the same in every epoch."""
        _, row = key
        noise = np.random.default_rng(row).standard_normal(int(self.table.end[row]))
        real = int(self.table.is_real[row])
        wave = np.cumsum(noise) / 30 if real else noise
        return wave.astype(np.float32), real, row


def made_up_segments(count: int = 16) -> Segments:
    """Return a table of segments that are in no file."""
    names, same = [str(row) for row in range(count)], ["-"] * count
    labels = ["real" if row % 2 else "fake" for row in range(count)]
    ends = np.array([SAMPLE_RATE // 2 + 331 * row for row in range(count)])
    return Segments(names, names, labels, same, same, same, names, np.zeros_like(ends), ends)


def trainer_on(device: torch.device, state: Path, recipe: Recipe = RECIPE) -> Trainer:
    """Make a trainer of a tiny detector on noise."""
    torch.manual_seed(3)
    detector = Detector(find_architecture(TINY))
    detector.initialise(7)
    policies = Policies(detector.to(device), objective_from_config(GRPO), recipe)
    table = made_up_segments()
    trainer = Trainer(
        policies, TrainingData(table, table, state), seed=3, state=state, machine=Machine()
    )
    trainer.dataset = trainer.validation_dataset = Noise(table)  # type: ignore[assignment]
    return trainer


class StopAt(StopRequest):
    """Asks to stop once a step is done."""

    def __init__(self, trainer: Trainer, step: int) -> None:
        super().__init__()
        self.trainer, self.step = trainer, step

    @property
    def requested(self) -> bool:
        """Whether the step is done."""
        return self.trainer.progress.step >= self.step


def differ(one: Tensor, other: Tensor) -> float:
    """Return the largest difference."""
    return float((one.detach().cpu() - other.detach().cpu()).abs().max())


def logits_of(detector: Detector, batch: Batch, precision: Any) -> Tensor:  # noqa: ANN401
    """Score a batch with masked padding."""
    with torch.no_grad():
        return forward(detector, prepare_batch(detector, batch, masked=True), precision=precision)[
            1
        ]


def scores_are_the_cpus(device: torch.device) -> str:
    """Hold scores in fp32 against the CPU's."""
    prepare_process("fp32", 1)
    detector, batch = random_detector(TINY, CPU).eval(), noise_batch([1.0, 0.7, 0.31])
    there = logits_of(copy.deepcopy(detector).to(device), batch, "fp32")
    found = differ(there, logits_of(detector, batch, "fp32"))
    assert found < 1e-4, f"logits differ by {found:.3g}"
    return f"logits differ by {found:.3g}"


def gradients_are_the_cpus(device: torch.device) -> str:
    """Hold the gradients of a GRPO step against the CPU's, without dropout."""
    prepare_process("fp32", 1)
    recipe, found = replace(RECIPE, dropout=False), []
    for place in (CPU, device):
        detector = random_detector(TINY, CPU).to(place)
        policies = Policies(detector, objective_from_config(GRPO), recipe)
        policies.train()
        loss, _ = policies.loss(noise_batch([0.9, 0.5]), torch.Generator().manual_seed(1))
        loss.backward()
        found.append([weight.grad for weight in detector.parameters()])
    largest = max(differ(one, other) for one, other in zip(*found, strict=True))
    assert largest < 1e-4, f"gradients differ by {largest:.3g}"
    return f"gradients differ by {largest:.3g}"


def a_cut_off_run_goes_on(device: torch.device) -> str:
    """Save at step 5, go on in a new trainer, and compare with the run that was not cut off."""
    prepare_process("fp32", 1)
    with tempfile.TemporaryDirectory() as folder:
        whole = trainer_on(device, Path(folder) / "whole")
        assert whole.run(StopRequest()), "the run did not end"
        first = trainer_on(device, Path(folder) / "cut")
        assert not first.run(StopAt(first, 5)), "the run did not stop"
        second = trainer_on(device, Path(folder) / "cut")
        torch.manual_seed(999)
        second.restore()
        assert second.progress.step == 5, f"it went on at step {second.progress.step}"
        assert second.run(StopRequest()), "the run did not end"
    ours, theirs = (it.policies.policy.state_dict() for it in (second, whole))
    largest = max(differ(ours[name], theirs[name]) for name in theirs)
    assert largest < 1e-4, f"weights differ by {largest:.3g}"
    return f"weights differ by {largest:.3g}"


def masked_bf16_of_odd_lengths(device: torch.device) -> str:
    """Score utterances padded in bf16, and each alone: padding changes nothing but rounding."""
    detector = random_detector(TINY, device).eval()
    lengths = [0.5 + 0.0371 * number for number in range(7)]
    padded = logits_of(detector, noise_batch(lengths), "bf16")
    batch, worst = noise_batch(lengths), 0.0
    for row, length in enumerate(batch.lengths.tolist()):
        waveform = batch.waveforms[row : row + 1, :length]
        one = Batch(waveform, batch.lengths[row : row + 1], batch.labels[:1], batch.indices[:1])
        worst = max(worst, differ(logits_of(detector, one, "bf16"), padded[row : row + 1]))
    assert worst < 0.1, f"logits differ by {worst:.3g}"
    return f"logits differ by {worst:.3g}"


def a_precision_ends_with_its_pass(device: torch.device) -> str:
    """Score in tf32 and bf16 between passes in fp32: these are equal, the others near them."""
    detector, batch = random_detector(TINY, device).eval(), noise_batch([1.0, 0.7, 0.31])
    first = logits_of(detector, batch, "fp32")
    found = {}
    for precision, bound in (("tf32", 1e-2), ("bf16", 0.1)):
        found[precision] = differ(logits_of(detector, batch, precision), first)
        assert found[precision] < bound, f"{precision}: logits differ by {found[precision]:.3g}"
        after = differ(logits_of(detector, batch, "fp32"), first)
        assert not after, f"after a pass in {precision} logits in fp32 differ by {after:.3g}"
    return ", ".join(f"{precision}: {largest:.3g}" for precision, largest in found.items())


def workers_read_beside_the_device(device: torch.device) -> str:
    """Read batches by two processes while the device is in use: the same as by none."""
    torch.zeros(1, device=device)
    dataset: Any = Noise(made_up_segments())
    plans = [[0, 3, 5], [1, 2], [9, 15, 4]]
    alone, beside = (
        list(load_batches(dataset, plans, epoch=0, workers=workers)) for workers in (0, 2)
    )
    for one, other in itertools.zip_longest(alone, beside):
        assert torch.equal(one.waveforms, other.waveforms), "workers read another batch"
    return f"{len(beside)} batches by 2 workers"


def memory_is_what_was_counted(device: torch.device) -> str:
    """Hold the peak of real steps against the count on tensors without content."""
    model, segments, seconds = (TINY, 2, 0.5) if device.type == "cpu" else ("mms_300m", 5, 10.0)
    recipe = Recipe.from_config(PAPER["recipes"]["as_written"])
    row = Row(find_architecture(model), GRPO, recipe, False, segments, seconds)
    counted = row.counted().most / 1e9
    if device.type == "cpu":
        return f"counted {counted:.4f} GB; a CPU has no peak to measure"
    with tempfile.TemporaryDirectory() as folder:
        detector = random_detector(model, device)
        policies = Policies(detector, objective_from_config(GRPO), recipe)
        table = made_up_segments()
        data = TrainingData(table, table, Path(folder))
        trainer = Trainer(policies, data, seed=0, state=Path(folder), machine=Machine())
        torch.cuda.reset_peak_memory_stats(device)
        for _ in range(2):
            trainer.train_step(noise_batch([seconds] * segments))
    measured = torch.cuda.max_memory_allocated(device) / 1e9
    found = f"measured {measured:.2f} GB, counted {counted:.2f}"
    found += f", estimated {row.estimated_bytes() / 1e9:.2f}"
    assert abs(measured / counted - 1) < 0.1, found
    return found


CHECKS: dict[str, Callable[[torch.device], str]] = {
    check.__name__: check
    for check in (
        scores_are_the_cpus,
        gradients_are_the_cpus,
        a_cut_off_run_goes_on,
        masked_bf16_of_odd_lengths,
        a_precision_ends_with_its_pass,
        memory_is_what_was_counted,
        workers_read_beside_the_device,
    )
}
