# /// script
# requires-python = ">=3.11,<3.13"
# dependencies = ["fairseq==0.12.2", "torch==2.14.1", "numpy==2.4.6", "safetensors", "tqdm"]
# ///
"""Forward, and forward with backward: ours beside real fairseq on the same weights, in turn.

`uv run --script benchmarks/encoder.py --architecture mms_300m`: seconds of processor time, and the
ratio fairseq / ours of each turn: above 1, ours is the faster one. The control is the same ratio of
a copy of ours to ours: what it is off 1 by is chance, such as where weights lie in memory.
"""

import argparse
import copy
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sdd.detector import ARCHITECTURES, Detector
from sdd.detector.fairseq_reference import FairseqDetector

Score = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


def detectors(name: str) -> tuple[FairseqDetector, Detector]:
    """Build both, with the same weights and no dropout."""
    keys = {
        **ARCHITECTURES[name].as_dict(),
        "encoder_layerdrop": 0.0,
        "dropout": 0.0,
        "attention_dropout": 0.0,
        "dropout_input": 0.0,
    }
    from sdd.detector import find_architecture

    ours = Detector(find_architecture(keys))
    ours.initialise(0)
    theirs = FairseqDetector(keys)
    theirs.m_ssl.model.remove_pretraining_modules()
    theirs.load_state_dict(ours.state_dict(), strict=False)
    return theirs.train(), ours.train()


def seconds(score: Score, waveforms: torch.Tensor, backward: bool) -> float:
    """Measure the processor time of one pass."""
    started = time.process_time()
    with torch.set_grad_enabled(backward):
        _, logits = score(waveforms)
        if backward:
            logits.square().mean().backward()
    return time.process_time() - started


def measure(
    detectors: Sequence[FairseqDetector | Detector],
    waveforms: torch.Tensor,
    backward: bool,
    turns: int,
) -> list[list[float]]:
    """Let each take a pass in every turn; who comes first changes, and the first turn warms up."""
    measured = []
    for turn in range(turns + 1):
        took = [0.0] * len(detectors)
        for place in range(len(detectors)):
            index = (turn + place) % len(detectors)
            took[index] = seconds(detectors[index].embed_and_logits, waveforms, backward)
            detectors[index].zero_grad(set_to_none=True)
        measured.append(took)
    return measured[1:]


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", nargs="+", default=["mms_300m", "w2v_small"])
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    samples = int(16_000 * arguments.seconds)
    waveforms = torch.randn(arguments.batch, samples, generator=torch.Generator().manual_seed(0))
    line = "{:10} {:18} {:>9} {:>7} {:>7} {:>13} {:>13}\n"
    sys.stdout.write(
        line.format("encoder", "pass", "fairseq s", "ours s", "ratio", "range", "control")
    )
    for name in arguments.architecture:
        theirs, ours = detectors(name)
        three = [theirs, ours, copy.deepcopy(ours)]
        for backward in (False, True):
            took = measure(three, waveforms, backward, arguments.turns)  # [turns, 3]
            ratios = sorted(one / other for one, other, _ in took)
            control = statistics.median(other / one for _, one, other in took)
            sys.stdout.write(
                line.format(
                    name,
                    "forward + backward" if backward else "forward",
                    f"{statistics.median(one for one, _, _ in took):.3f}",
                    f"{statistics.median(other for _, other, _ in took):.3f}",
                    f"{statistics.median(ratios):.3f}",
                    f"{ratios[0]:.3f}-{ratios[-1]:.3f}",
                    f"{control:.3f}",
                )
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
