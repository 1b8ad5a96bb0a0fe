"""Fine-tuning steps of each objective, in turn in one run: time, where it goes, memory, GPU hours.

`python benchmarks/finetune.py --architecture xlsr_2b --precision bf16 --batch 10 --seconds 10`.

A GRPO step has three forward passes and one backward against one and one of SFT: 5/3 of its time,
if a backward costs two forwards. A simplified one without a penalty has one and one.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
import torch
import yaml
from torch.utils.flop_counter import FlopCounterMode

from sdd.data.audio import SAMPLE_RATE
from sdd.data.dataset import Batch, SegmentDataset, collate
from sdd.detector import Detector, find_architecture
from sdd.runtime.devices import autocast, choose_device, prepare_process
from sdd.training.objective_kinds import (
    BatchLogits,
    GrpoObjective,
    Objective,
    SftObjective,
    objective_from_config,
)
from sdd.training.optimiser import adamw, clip_gradient, gradient_norm
from sdd.training.policies import Policies
from sdd.training.recipe import Recipe

ROOT = Path(__file__).parents[1]
PAPER = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
TINY = {
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
}
# What a step costs depends on the policies that the objective needs.
OBJECTIVES: dict[str, Objective] = {
    "sft": SftObjective(),
    "grpo_s, beta 0": GrpoObjective(64, 0.0, 0.2, 1e-5, True, True, "k3", "sampled"),
    "grpo_s": GrpoObjective(64, 0.04, 0.2, 1e-5, True, True, "k3", "sampled"),
    "grpo, beta 0": GrpoObjective(64, 0.0, 0.2, 1e-5, False, True, "k3", "sampled"),
    "grpo": GrpoObjective(64, 0.04, 0.2, 1e-5, False, True, "k3", "sampled"),
}
PASSES = ("policy", "backward", "reference", "old")
PARTS = ("batch", *PASSES, "objective", "optimiser")
RECIPE = Recipe.from_config(PAPER["recipes"]["as_written"])
TRAINING_HOURS = 50 * 10  # paper 3.1, 3.2: about 50 hours, 10 epochs


def cost_name(objective: Objective) -> str:
    """Name the entry of OBJECTIVES that costs what this objective costs."""
    if isinstance(objective, SftObjective):
        return "sft"
    needs = objective.needs(RECIPE)
    return next(name for name in list(OBJECTIVES)[1:] if OBJECTIVES[name].needs(RECIPE) == needs)


class Clock:
    """Seconds of each part of a step; waits for a GPU at both ends of a part.

    One CPU thread is timed by its CPU time, which other processes do not count in.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        alone = device.type == "cpu" and torch.get_num_threads() == 1
        self.now = time.process_time if alone else time.perf_counter
        self.seconds = dict.fromkeys(PARTS, 0.0)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add the block's time to a part."""
        self._wait()
        started = self.now()
        yield
        self._wait()
        self.seconds[name] += self.now() - started

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


class Steps:
    """Optimiser steps of all objectives, on one batch and with one policy, to fit the memory."""

    def __init__(self, name: str, arguments: argparse.Namespace) -> None:
        self.device = choose_device(arguments.device)
        self.precision = arguments.precision
        detector = Detector(find_architecture(TINY if name == "tiny" else name))
        detector.initialise(0)
        detector.checkpoint_activations = arguments.activation_checkpointing
        recipe = replace(RECIPE, precision=arguments.precision)
        every = Policies(detector.to(self.device), OBJECTIVES["grpo"], recipe)
        self.policies = {}
        for key, objective in OBJECTIVES.items():
            # Made for SFT it copies nothing; it is then given what its objective needs.
            policies = Policies(detector, SftObjective(), recipe)
            policies.objective = objective
            policies.reference = every.reference if objective.needs(recipe).reference else None
            policies.old = every.old if objective.needs(recipe).old else None
            self.policies[key] = policies
        self.copy_bytes = sum(p.numel() * p.element_size() for p in every.old.parameters())
        self.optimiser = adamw(detector, recipe)
        self.generator = torch.Generator().manual_seed(0)
        self.batch, self.data_seconds = read_batch(arguments.batch, arguments.seconds)

    def take(self, key: str) -> dict[str, float]:
        """Take a step of an objective; give the seconds of its parts."""
        policies = self.policies[key]
        clock = Clock(self.device)
        policies.train()
        self.optimiser.zero_grad(set_to_none=True)
        with clock.part("batch"):
            batch = policies.prepare(self.batch)
        frozen: list[torch.Tensor | None] = []
        for name, detector in (("reference", policies.reference), ("old", policies.old)):
            if detector is None:
                frozen.append(None)
                continue
            with clock.part(name), torch.no_grad():
                frozen.append(policies.logits(detector, batch))
        with clock.part("policy"):
            logits = policies.logits(policies.policy, batch)
        with clock.part("objective"):
            head = logits.detach().requires_grad_()
            said = BatchLogits(batch.labels, head, *frozen)
            loss, _ = policies.objective.loss(said, policies.recipe, self.generator)
            (slope,) = torch.autograd.grad(loss, head)
        with clock.part("backward"):
            logits.backward(slope)
        with clock.part("optimiser"):
            norm = gradient_norm(policies.policy)
            clip_gradient(policies.policy, norm, norm.item(), 100.0)
            self.optimiser.step()
        return clock.seconds

    def peak_bytes(self, key: str) -> int | None:
        """Measure the most GPU memory of a step, less the copies that this objective lacks."""
        if self.device.type != "cuda":
            return None
        torch.cuda.reset_peak_memory_stats()
        self.take(key)
        lacking = sum(p is None for p in (self.policies[key].reference, self.policies[key].old))
        return torch.cuda.max_memory_allocated() - lacking * self.copy_bytes

    def operations(self, key: str) -> int:
        """Count the floating-point operations of the matrix products of a step."""
        with FlopCounterMode(display=False) as counter:
            self.take(key)
        return counter.get_total_flops()

    def matrix_peak(self) -> float:
        """Measure the operations a second of large matrix products in the step's precision."""
        size = 8192 if self.device.type == "cuda" else 1024
        one, other = (torch.randn(size, size, device=self.device) for _ in range(2))
        clock = Clock(self.device)
        rates = []
        for _ in range(10):
            clock.seconds["policy"] = 0.0
            with autocast(self.device, self.precision), torch.no_grad(), clock.part("policy"):
                for _ in range(4):
                    one @ other
            rates.append(4 * 2 * size**3 / clock.seconds["policy"])
        return max(rates)


def read_batch(count: int, seconds: float) -> tuple[Batch, float]:
    """Make a batch of noise as training does, from FLAC with RawBoost 5; give its seconds too."""
    samples = round(seconds * SAMPLE_RATE)
    generator = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        names = [f"{number}.flac" for number in range(count)]
        for name in names:
            noise = 0.1 * generator.standard_normal(samples)
            soundfile.write(Path(folder) / name, noise, SAMPLE_RATE, subtype="PCM_16")
        dataset = SegmentDataset(
            names,
            np.zeros(count, dtype=np.int64),
            np.full(count, samples),
            np.arange(count) % 2,
            Path(folder),
            rawboost=5,
        )
        collate([dataset[0, number] for number in range(count)])
        started = time.perf_counter()
        batch = collate([dataset[1, number] for number in range(count)])
        return batch, time.perf_counter() - started


def show(steps: Steps, rounds: list[dict[str, dict[str, float]]], audio: float) -> dict[str, float]:
    """Print the table of an architecture; give the audio seconds a second of each objective."""
    peak = steps.matrix_peak()
    header = f"{'objective':15} {'s a step':>9} {'audio s/s':>9} {'x SFT':>6} {'range':>10}"
    write(f"{header} {'of peak':>7} {'memory':>9}  " + " ".join(f"{p:>9}" for p in PARTS))
    rates = {}
    for key in rounds[0]:
        totals = [sum(taken[key].values()) for taken in rounds]
        ratios = sorted(sum(t[key].values()) / sum(t["sft"].values()) for t in rounds)
        seconds = statistics.median(totals)
        rates[key] = audio / seconds
        parts = (statistics.median(t[key][part] for t in rounds) for part in PARTS)
        memory = steps.peak_bytes(key)
        write(
            f"{key:15} {seconds:9.4f} {rates[key]:9.1f} {statistics.median(ratios):6.3f} "
            f"{ratios[0]:.2f}-{ratios[-1]:.2f}  {steps.operations(key) / seconds / peak:7.1%} "
            f"{'-' if memory is None else f'{memory / 1e9:.1f} GB':>9}  "
            + " ".join(f"{part / seconds:9.3%}" for part in parts)
        )
    write(
        f"measured matrix peak {peak / 1e12:.3f} Top/s; data: {steps.data_seconds:.4f} s a batch "
        f"on one core ({audio / steps.data_seconds:.0f} audio s/s), in workers ahead of the step"
    )
    return rates


def projected_hours(name: str, rates: dict[str, float]) -> float:
    """Print the GPU hours of the paper's cells of an architecture, validation left out."""
    total = 0.0
    for row in PAPER["rows"]:
        stages = PAPER["algorithms"][row["algorithm"]]
        if stages and PAPER["models"][row["model"]]["architecture"] == name:
            objective = objective_from_config(PAPER["objectives"][stages[-1]])
            total += PAPER["rounds"] * TRAINING_HOURS / rates[cost_name(objective)]
    write(f"the paper's cells of {name}: {total:.0f} hours of this device (training steps only)")
    return total


def write(line: str) -> None:
    """Print a line at once: a large architecture takes minutes."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--architecture", nargs="+", default=["tiny"], help="tiny, mms_300m, xlsr_2b, ...")
    add("--device", default="auto")
    add("--precision", default="fp32", choices=["fp32", "tf32", "bf16"])
    add("--batch", type=int, default=6, help="segments in a batch")
    add("--seconds", type=float, default=4.0, help="of each segment")
    add("--steps", type=int, default=12, help="of each objective")
    add("--threads", type=int, default=1)
    add("--objectives", nargs="+", default=list(OBJECTIVES), help="sft among them")
    add("--activation-checkpointing", action="store_true")
    return parser.parse_args()


def main() -> None:
    """Measure and show."""
    arguments = parsed()
    prepare_process(arguments.precision, arguments.threads)
    audio = arguments.batch * arguments.seconds
    hours = 0.0
    for name in arguments.architecture:
        steps = Steps(name, arguments)
        write(
            f"{name}, {steps.device}, {arguments.precision}, {arguments.batch} x "
            f"{arguments.seconds} s, {arguments.threads} threads"
        )
        chosen = [key for key in OBJECTIVES if key in {"sft", *arguments.objectives}]
        for key in chosen:
            steps.take(key)
        # In turn, so that a drifting machine is the same for all.
        rounds = [{key: steps.take(key) for key in chosen} for _ in range(arguments.steps)]
        rates = show(steps, rounds, audio)
        if len(chosen) == len(OBJECTIVES):
            hours += projected_hours(name, rates)
        del steps
    if hours:
        write(f"together: {hours:.0f} hours")


if __name__ == "__main__":
    main()
