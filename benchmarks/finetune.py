"""Step time of SFT, GRPO_s and GRPO, measured in turn in one run, as ratios to SFT.

`python benchmarks/finetune.py --architecture mms_300m --device cuda --precision bf16`. A GRPO step
has three forward passes and one backward against one and one of SFT; a simplified one without a
penalty has one and one.
"""

import argparse
import statistics
import sys
import time

import torch

from sdd.batching import Batch, CropRule
from sdd.detector import Detector, architecture
from sdd.inference import choose_device, prepare
from sdd.policies import Policies
from sdd.recipe import GrpoObjective, Recipe, SftObjective

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
GRPO = GrpoObjective(64, 0.04, 0.2, 1e-5, False, True, "k3", "sampled")
OBJECTIVES = {
    "sft": SftObjective(),
    "grpo_s, beta 0": GrpoObjective(64, 0.0, 0.2, 1e-5, True, True, "k3", "sampled"),
    "grpo_s": GrpoObjective(64, 0.04, 0.2, 1e-5, True, True, "k3", "sampled"),
    "grpo": GRPO,
}


def recipe(precision: str) -> Recipe:
    """Make a recipe whose switches do not matter here, but for precision."""
    return Recipe(
        round_seeds="differ",
        advantage="group",
        labels_from="old",
        old_policy_every=1000,
        without_negatives="ratio",
        reference="stage_start",
        crop=CropRule(15.0, 15.0, 15.0),
        padding="masked",
        rawboost=0,
        learning_rate=1e-6,
        weight_decay=0.01,
        adam_epsilon=1e-6,
        warm_up_steps=1,
        schedule_steps=10,
        decay_factor=0.1,
        schedule="before_step",
        max_gradient_norm=100.0,
        epochs=1,
        max_steps=1,
        validate_every=1,
        early_stopping=None,
        selection="eer",
        validation_as_training=False,
        batch_seconds=100.0,
        buckets=20,
        batch_durations="cropped",
        batch_order="each_epoch",
        batch_seed="round",
        precision=precision,
        dropout=True,
        score="logit",
        skip_suffixes=(),
    )


class Step:
    """One optimiser step of an objective on a batch that stays the same."""

    def __init__(self, objective: object, arguments: argparse.Namespace) -> None:
        self.device = choose_device(arguments.device)
        named = TINY if arguments.architecture == "tiny" else arguments.architecture
        detector = Detector(architecture(named))
        detector.initialise(0)
        switches = recipe(arguments.precision)
        self.policies = Policies(detector.to(self.device), objective, switches)
        self.optimiser = torch.optim.AdamW(detector.parameters(), lr=1e-6)
        self.generator = torch.Generator().manual_seed(0)
        count, samples = arguments.batch, int(arguments.seconds * 16_000)
        waveforms = torch.randn(count, samples, generator=self.generator)
        self.batch = Batch(
            waveforms,
            torch.full((count,), samples),
            torch.arange(count) % 2,
            torch.arange(count),
        )

    def __call__(self) -> float:
        """Take the step; give its seconds."""
        started = time.perf_counter()
        self.policies.train()
        self.optimiser.zero_grad(set_to_none=True)
        loss, _ = self.policies.loss(self.batch, self.generator, self.device)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.policies.policy.parameters(), 100.0)
        self.optimiser.step()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - started


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", default="tiny")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="fp32", choices=["fp32", "tf32", "bf16"])
    parser.add_argument("--batch", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    prepare(arguments.precision, arguments.threads)
    steps = {name: Step(objective, arguments) for name, objective in OBJECTIVES.items()}
    for step in steps.values():
        step()
    # In turn, so that a drifting machine is the same for all.
    rounds = [{name: step() for name, step in steps.items()} for _ in range(arguments.steps)]
    audio = arguments.batch * arguments.seconds
    lines = [f"{'objective':16} {'s a step':>9} {'audio s/s':>10} {'x SFT':>6} {'spread':>12}"]
    for name in steps:
        seconds = statistics.median(times[name] for times in rounds)
        ratios = sorted(times[name] / times["sft"] for times in rounds)
        spread = f"{ratios[0]:.2f}-{ratios[-1]:.2f}"
        lines.append(
            f"{name:16} {seconds:9.4f} {audio / seconds:10.0f} "
            f"{statistics.median(ratios):6.2f} {spread:>12}"
        )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
