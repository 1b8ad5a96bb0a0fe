"""What a GPU should be asked, ordered by worth, in eight minutes: `make bench-gpu`.

Checks (scores, gradients, save and resume, masked bf16, workers, memory beside the count), then the
time and memory of training steps beside the plain way, then scoring in three precisions. A line of
JSON is written to `--output` as soon as it is known, so that a run that is cut off has told what it
found; `--into docs/benchmarks.md` puts a file's lines there as tables. Audio and weights are made
up: torch (2.11 is enough), numpy, PyYAML, safetensors and tqdm are all it needs, so it runs without
this environment, too (`PYTHONPATH=src python benchmarks/gpu.py`). Without a GPU it runs at a tiny
size, to show that it runs.

The plain way: fp32, attention without a fused kernel, AdamW as torch has it by default, each of the
B x G labels drawn.
"""

import argparse
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.gpu_checks import CHECKS, TINY, noise_batch, random_detector
from benchmarks.memory import PAPER
from sdd.data.dataset import Batch
from sdd.detector import Detector, find_architecture
from sdd.detector.inference import forward, prepare_batch
from sdd.experiment.costs import training_gpu_bytes
from sdd.metrics.error_rates import eer
from sdd.runtime.devices import Precision, choose_device, describe_device, prepare_process
from sdd.training.objective_kinds import objective_from_config
from sdd.training.optimiser import adamw, clip_gradient, gradient_norm
from sdd.training.policies import Policies
from sdd.training.recipe import Recipe

RECIPE = Recipe.from_config(PAPER["recipes"]["as_written"])
PRECISIONS: tuple[Precision, ...] = ("fp32", "tf32", "bf16")
OBJECTIVES = ("grpo", "sft", "grpo_s")
BEGIN, END = "<!-- bench-gpu: begin -->", "<!-- bench-gpu: end -->"


@dataclass
class Session:
    """A run: where it computes, how large, until when, and where its results go."""

    device: torch.device
    models: list[str | dict[str, Any]]
    segments: int
    seconds: float
    steps: int
    utterances: int
    output: Path
    ends: float = 0.0
    peaks: dict[str, float] = field(default_factory=dict)

    def tell(self, part: str, **found: object) -> None:
        """Write a result, at once."""
        line = json.dumps({"part": part, **found})
        with self.output.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def time_is_left(self, part: str, **what: object) -> bool:
        """Tell whether there is time for more; say what is left out if not."""
        if time.monotonic() < self.ends:
            return True
        self.tell(part, **what, left_out="the time is up")
        return False


def now(device: torch.device) -> float:
    """Return the time once all that was asked of a GPU is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def name_of(model: str | dict[str, Any]) -> str:
    """Name a model."""
    return model if isinstance(model, str) else "tiny"


# ------------------------------------------------------------------------------------------ parts
def check(session: Session) -> None:
    """Hold the GPU against the CPU and against what was counted beforehand."""
    for name, holds in CHECKS.items():
        if session.time_is_left("checks", check=name):
            try:
                session.tell("checks", check=name, found=holds(session.device), holds=True)
            # torch's errors are RuntimeErrors: one trouble is not to hide what else there is.
            except (AssertionError, RuntimeError) as error:
                session.tell("checks", check=name, found=str(error)[:500], holds=False)
            clear(session.device)


def measure_peak(session: Session) -> None:
    """Measure large matrix products on operands of each type."""
    size = 8192 if session.device.type == "cuda" else 256
    for precision in PRECISIONS:
        peak = session.peaks[precision] = matrix_peak(session, precision, size)
        session.tell("matrix peak", precision=precision, teraflops=peak)


def matrix_peak(session: Session, precision: Precision, size: int) -> float:
    """Return 1e12 operations a second of products of square matrices, the best of ten."""
    prepare_process(precision, torch.get_num_threads())
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    one, other = (torch.randn(size, size, device=session.device, dtype=kind) for _ in range(2))
    seconds = []
    for _ in range(10):
        started = now(session.device)
        for _ in range(4):
            one @ other
        seconds.append(now(session.device) - started)
    return 4 * 2 * size**3 / min(seconds) / 1e12


def measure_steps(session: Session) -> None:
    """Time steps, and beside each the plain way."""
    for model in session.models:
        for objective in OBJECTIVES:
            for way in ("ours", "plain"):
                row = {"model": name_of(model), "objective": objective, "way": way}
                if session.time_is_left("steps", **row):
                    session.tell("steps", **row, **guarded(session, model, objective, way))
                    clear(session.device)


def guarded(
    session: Session, model: str | dict[str, Any], objective: str, way: str
) -> dict[str, object]:
    """Measure a kind of step, or say that it does not fit or does not run."""
    try:
        with plain_attention() if way == "plain" else nullcontext():
            return measure_step(session, model, objective, way)
    except RuntimeError as error:
        return {"failed": str(error).split(" If reserved")[0][:500]}


@contextmanager
def plain_attention() -> Iterator[None]:
    """Attend without a fused kernel."""
    with mock.patch("sdd.detector.encoder.ATTENTION", [SDPBackend.MATH]):
        yield


def measure_step(
    session: Session, model: str | dict[str, Any], objective: str, way: str
) -> dict[str, object]:
    """Take some steps of a kind: seconds, peak memory, operations."""
    device, config = session.device, PAPER["objectives"][objective]
    recipe = replace(RECIPE, precision="fp32" if way == "plain" else RECIPE.precision)
    prepare_process(recipe.precision, torch.get_num_threads())
    policies = Policies(random_detector(model, device), objective_from_config(config), recipe)
    step = Step(policies, config, plain=way == "plain")
    batch = noise_batch([session.seconds] * session.segments)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    step(batch)  # kernels are chosen, and moments made
    seconds = []
    for _ in range(session.steps):
        started = now(device)
        step(batch)
        seconds.append(now(device) - started)
    peak = torch.cuda.max_memory_allocated(device) / 1e9 if device.type == "cuda" else None
    with FlopCounterMode(display=False) as counter:
        step(batch)
    needs = objective_from_config(config).needs(recipe)
    audio = session.segments * session.seconds
    options = {"precision": recipe.precision, "recomputed": False}
    estimate = training_gpu_bytes(find_architecture(model), needs, audio, **options)
    taken = statistics.median(seconds)
    speed, highest = counter.get_total_flops() / taken / 1e12, session.peaks.get(recipe.precision)
    return {
        "precision": recipe.precision,
        "seconds": taken,
        "audio_seconds_a_second": audio / taken,
        "teraflops": speed,
        "share_of_peak": highest and speed / highest,
        "peak_gb": peak,
        "estimated_gb": estimate / 1e9,
    }


class Step:
    """A training step: ours, or with AdamW as it is by default and each of B x G labels drawn."""

    def __init__(self, policies: Policies, config: dict[str, Any], *, plain: bool) -> None:
        self.policies, self.config, self.plain = policies, config, plain
        parameters = policies.policy.parameters()
        self.optimiser = torch.optim.AdamW(parameters, lr=1e-6)
        if not plain:
            self.optimiser = adamw(policies.policy, policies.recipe)
        self.generator = torch.Generator().manual_seed(0)

    def __call__(self, batch: Batch) -> None:
        """Take it."""
        policies = self.policies
        policies.train()
        self.optimiser.zero_grad(set_to_none=True)
        if self.plain and self.config["kind"] == "grpo":
            loss = self.plain_loss(batch)
        else:
            loss, _ = policies.loss(batch, self.generator)
        loss.backward()
        if self.plain:
            torch.nn.utils.clip_grad_norm_(policies.policy.parameters(), 100.0)
        else:
            norm = gradient_norm(policies.policy)
            clip_gradient(policies.policy, norm, norm.item(), 100.0)
        self.optimiser.step()

    def plain_loss(self, batch: Batch) -> Tensor:
        """Return Eq. 12 over B x G labels that are drawn one by one, on the device."""
        policies, config = self.policies, self.config
        prepared = policies.prepare(batch)
        policy = policies.logits(policies.policy, prepared).log_softmax(1)
        with torch.no_grad():
            reference, old = (
                policy.detach() if it is None else policies.logits(it, prepared).log_softmax(1)
                for it in (policies.reference, policies.old)
            )
        drawn = torch.multinomial(old.exp(), config["group_size"], replacement=True)
        right = (drawn == prepared.labels[:, None]).float()
        advantage = (right - right.mean(1, True)) / (right.std(1, keepdim=True) + 1e-5)
        new, before, held = (logs.gather(1, drawn) for logs in (policy, old, reference))
        ratio, epsilon = (new - before).exp(), config["epsilon"]
        gain = torch.minimum(ratio * advantage, ratio.clamp(1 - epsilon, 1 + epsilon) * advantage)
        k3 = (held - new).exp() - (held - new) - 1
        return (config["beta"] * k3 - gain).mean()


def measure_scoring(session: Session) -> None:
    """Score in three precisions: speed, and what it does to logits, decisions and the EER."""
    lengths = [2 + 0.01 * (number % 200) for number in range(session.utterances)]
    if session.device.type != "cuda":
        lengths = [0.2 * length for length in lengths]
    for model in reversed(session.models):
        detector, logits = random_detector(model, session.device).eval(), {}
        for precision in PRECISIONS:
            row = {"model": name_of(model), "precision": precision}
            if not session.time_is_left("scoring", **row):
                continue
            logits[precision], seconds = scored(detector, lengths, precision, session.device)
            differences = against(logits["fp32"], logits[precision])
            session.tell(
                "scoring", **row, audio_seconds_a_second=sum(lengths) / seconds, **differences
            )
        del detector
        clear(session.device)


def scored(
    detector: Detector, lengths: list[float], precision: Precision, device: torch.device
) -> tuple[Tensor, float]:
    """Score noise of these lengths in batches; return logits of REAL, and seconds."""
    prepare_process("fp32", torch.get_num_threads())
    found, seconds = [], 0.0
    size = max(1, round(100 / max(lengths))) if device.type == "cuda" else 4
    for warm in (True, False):
        first = now(device)
        found = []
        for start in range(0, len(lengths) if not warm else size, size):
            batch = noise_batch(lengths[start : start + size], seed=start)
            with torch.inference_mode():
                prepared = prepare_batch(detector, batch, masked=True)
                found.append(forward(detector, prepared, precision=precision)[1][:, 1])
        seconds = now(device) - first
    return torch.cat(found).cpu(), seconds


def against(fp32: Tensor, other: Tensor) -> dict[str, float]:
    """Compare logits with those of fp32, every other utterance taken for real."""
    real = torch.arange(len(fp32)) % 2 == 0
    rate, threshold = eer(fp32[real].numpy(), fp32[~real].numpy())
    rate_now, _ = eer(other[real].numpy(), other[~real].numpy())
    return {
        "largest_difference": float((fp32 - other).abs().max()),
        "flips": int(((fp32 > threshold) != (other > threshold)).sum()),
        "of": len(fp32),
        "eer_difference": float(rate_now - rate),
    }


def clear(device: torch.device) -> None:
    """Give back what the last row held."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


PARTS: dict[str, tuple[Callable[[Session], None], float]] = {
    "checks": (check, 90),
    "matrix peak": (measure_peak, 15),
    "steps": (measure_steps, 240),
    "scoring": (measure_scoring, 90),
}
"""Each part with the seconds that it may begin something new in: 435 together."""


# ------------------------------------------------------------------------------------------ tables
def tables(lines: list[dict[str, Any]]) -> str:
    """Turn results into tables of Markdown, one a part."""
    text = []
    for part in dict.fromkeys(line["part"] for line in lines):
        rows = [dict(line) for line in lines if line["part"] == part]
        for row in rows:
            del row["part"]
        columns = list(dict.fromkeys(key for row in rows for key in row))
        text += [f"**{part[0].upper()}{part[1:]}**", "", f"| {' | '.join(columns)} |"]
        text.append("|" + "---|" * len(columns))
        text += [f"| {' | '.join(shown(row.get(key)) for key in columns)} |" for row in rows]
        text.append("")
    return "\n".join(text)


def shown(value: object) -> str:
    """Write a value in a table."""
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("\n", " ")


def put_into(document: Path, results: Path) -> None:
    """Replace what stands between a document's two marks by the tables of a file of results."""
    lines = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    before, rest = document.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    text = f"{before}{BEGIN}\n\n{tables(lines)}\n{END}{after}"
    document.write_text(text, encoding="utf-8")


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--device", default="auto")
    add("--output", type=Path, default=Path("results/bench-gpu.jsonl"))
    add("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    add("--limit", type=float, default=1.0, help="of the parts' seconds, this share")
    add("--into", type=Path, help="put the results of --output into this document, and end")
    return parser.parse_args()


def main() -> None:
    """Run the parts in their order."""
    arguments = parsed()
    if arguments.into:
        put_into(arguments.into, arguments.output)
        return
    device = choose_device(arguments.device)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text("", encoding="utf-8")
    sizes: tuple[Any, ...] = (["xlsr_2b", "mms_1b", "mms_300m"], 10, 10.0, 5, 2000)
    if device.type != "cuda":
        sizes = ([TINY], 2, 0.5, 1, 8)
    session = Session(device, *sizes, output=arguments.output)
    session.tell("machine", device=describe_device(device), torch=torch.__version__)
    for name in arguments.parts:
        part, seconds = PARTS[name]
        started = time.monotonic()
        session.ends = started + arguments.limit * seconds
        part(session)
        session.tell("time", of=name, seconds=time.monotonic() - started)


if __name__ == "__main__":
    main()
