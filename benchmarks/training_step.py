"""One training step, with and without compile and activation checkpointing, in turn in one run.

`python benchmarks/training_step.py --architecture xlsr_2b --device cuda`: frames (tokens) a second,
share of the matrix peak that is measured in the same run, and peak memory of the GPU. The step is
forward, backward and AdamW; weights are fp32, arithmetic is as `--precision` says. Work is counted
without what checkpointing computes twice.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from sdd.detector import ARCHITECTURES, Detector
from sdd.inference import autocast, choose_device, prepare

VARIANTS = {
    "plain": (False, False),
    "checkpointing": (False, True),
    "compile": (True, False),
    "compile + checkpointing": (True, True),
}


def timed(work: Callable[[], object], device: torch.device) -> float:
    """Measure seconds of some work, the GPU's included."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def matrix_peak(device: torch.device, precision: str) -> float:
    """Measure the best rate of one large matrix product, in operations a second."""
    size = 8192 if device.type == "cuda" else 1024
    narrow = precision == "bf16" and device.type == "cuda"
    kind = torch.bfloat16 if narrow else torch.float32
    a, b = (torch.randn(size, size, device=device, dtype=kind) for _ in range(2))
    torch.mm(a, b)
    return 2 * size**3 / min(timed(lambda: torch.mm(a, b), device) for _ in range(10))


class Step:
    """Steps of supervised training on one batch that stays the same."""

    def __init__(self, detector: Detector, arguments: argparse.Namespace, compiled: bool) -> None:
        self.device = next(detector.parameters()).device
        self.precision = arguments.precision
        self.detector = detector
        self.score = torch.compile(detector, fullgraph=True) if compiled else detector
        # One optimiser for all variants: its two moments are as large as two detectors.
        self.optimiser = arguments.optimiser
        samples = int(16_000 * arguments.seconds)
        self.waveforms = torch.randn(arguments.batch, samples, device=self.device)
        self.labels = torch.arange(arguments.batch, device=self.device) % 2

    def forward_backward(self) -> None:
        """Compute the gradients."""
        with autocast(self.device, self.precision):
            logits = self.score(self.waveforms)
        F.cross_entropy(logits, self.labels).backward()

    def __call__(self) -> None:
        """Take one step."""
        self.optimiser.zero_grad(set_to_none=True)
        self.forward_backward()
        self.optimiser.step()


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", default="w2v_small", choices=list(ARCHITECTURES))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="bf16", choices=["fp32", "tf32", "bf16"])
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    prepare(arguments.precision, threads=torch.get_num_threads())
    detector = Detector(ARCHITECTURES[arguments.architecture])
    detector.initialise(0)
    detector.to(device).train()
    arguments.optimiser = torch.optim.AdamW(detector.parameters(), lr=1e-6)
    with FlopCounterMode(display=False) as counter:
        Step(detector, arguments, compiled=False).forward_backward()
    work, peak = counter.get_total_flops(), matrix_peak(device, arguments.precision)
    frames = arguments.batch * detector.architecture.frames(int(16_000 * arguments.seconds))
    sys.stdout.write(
        f"{arguments.architecture} on {device}, {arguments.precision}, {arguments.batch} x "
        f"{arguments.seconds:g} s ({frames} frames), {work / 1e12:.2f} Tflop a step, matrix peak "
        f"{peak / 1e12:.1f} Tflop/s\n"
        f"{'variant':24} {'s a step':>9} {'frames/s':>9} {'of peak':>8} {'GPU memory':>11}\n"
    )
    for name in arguments.variants:
        compiled, checkpointing = VARIANTS[name]
        detector.checkpoint_activations = checkpointing
        step = Step(detector, arguments, compiled)
        for _ in range(3 if compiled else 1):
            step()
        memory = "-"
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        seconds = statistics.median(timed(step, device) for _ in range(arguments.steps))
        if device.type == "cuda":
            memory = f"{torch.cuda.max_memory_allocated() / 1e9:.1f} GB"
        sys.stdout.write(
            f"{name:24} {seconds:9.3f} {frames / seconds:9.0f} {work / seconds / peak:8.1%} "
            f"{memory:>11}\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
