"""GPU memory of training steps, counted without a GPU, beside the estimate that `plan` uses.

`python benchmarks/memory.py --architecture xlsr_2b mms_1b mms_300m`.

Two real steps (`Trainer.train_step`: frozen policies, autocast, backward pass, AdamW) run on
tensors without content (torch's FakeTensorMode). What is alive of them is counted after each
operation; the most is the row's figure. The tensors say that they are on a CPU, since torch's
backward pass asks a GPU's driver even for those without content; what differs on a GPU is done as
there: the types that autocast chooses, kernels of attention and dropout, the fused AdamW, frozen
policies in bf16. Not counted: what a kernel allocates for itself, CUDA's own share, and what lies
unused between blocks.

The last column is arithmetic, too: operations of products by the speed of products, and bytes that
all else reads and writes by the speed of memory; nothing waits, and nothing is done at once.
"""

import argparse
import itertools
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F
import yaml
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.flop_counter import flop_registry

from sdd.data.audio import SAMPLE_RATE
from sdd.data.dataset import Batch
from sdd.data.segments import Segments
from sdd.detector import Detector, find_architecture
from sdd.detector.architectures import Architecture
from sdd.detector.inference import PreparedBatch
from sdd.detector.initialisation import without_weights
from sdd.experiment.costs import training_gpu_bytes
from sdd.experiment.trainable import Trainable
from sdd.experiment.training_needs import TrainingNeeds
from sdd.runtime.machine import Machine
from sdd.training.objective_kinds import Objective, objective_from_config
from sdd.training.policies import Policies
from sdd.training.recipe import Recipe
from sdd.training.trainer import Trainer
from sdd.training.training_data import TrainingData

ROOT = Path(__file__).parents[1]
PAPER, CONTROLS = (
    yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    for name in ("config.yaml", "controls.yaml")
)
KNOWN = {**PAPER["objectives"], **CONTROLS["objectives"]}
OBJECTIVES = ("sft", "grpo_s", "grpo")
PRECISIONS = ("bf16", "fp32")
BLOCK = 512
"""torch hands out GPU memory in multiples of this many bytes."""


class Counter(TorchDispatchMode):
    """Counts the bytes of what is alive, and what operations compute and move.

    Attributes
    ----------
    now, most
        Bytes that are alive, and the most there were.
    operations
        Floating-point operations of products and attention.
    moved
        Bytes that all other operations read and write.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self.operations = self.moved = 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401  # whatever the operation returns
        """Run an operation and count what it made."""
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        tree_map_only(FakeTensor, self._count, result)
        if func._overloadpacket in flop_registry:
            counted = flop_registry[func._overloadpacket](*args, **kwargs, out_val=result)
            self.operations += counted
        elif func.namespace == "aten" and not func.is_view:
            written = [
                arg
                for arg, name in zip(args, func._schema.arguments, strict=False)
                if is_written(name)
            ]
            self.moved += sum(map(bytes_of, tree_leaves((args, kwargs, written))))
            if not written:
                self.moved += sum(map(bytes_of, tree_leaves(result)))
        return result

    def _count(self, tensor: FakeTensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if tensor.fake_device.type != "meta" and key not in self._known:
            size = -(-storage.nbytes() // BLOCK) * BLOCK
            self._known.add(key)
            self.now += size
            self.most = max(self.most, self.now)
            weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size


def is_written(argument: torch._C.Argument) -> bool:
    """Tell whether an operation writes into an argument."""
    return argument.alias_info is not None and argument.alias_info.is_write


def bytes_of(value: object) -> int:
    """Bytes of a tensor; of one that repeats itself, once. 0 of anything else."""
    if not isinstance(value, Tensor):
        return 0
    return min(value.numel() * value.element_size(), value.untyped_storage().nbytes())


def fused_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout: float
) -> Tensor:
    """Attend by the kernels of `sdd.detector.encoder.ATTENTION` that a GPU has."""
    aten = torch.ops.aten
    if mask is None and query.dtype == torch.bfloat16:
        return aten._scaled_dot_product_flash_attention(query, key, value, dropout)[0]
    bias = None
    if mask is not None:
        shape = (len(query), query.shape[1], query.shape[2], key.shape[2])
        bias = torch.zeros_like(mask, dtype=query.dtype).expand(shape)
    trains = torch.is_grad_enabled() and query.requires_grad
    found = aten._scaled_dot_product_efficient_attention(query, key, value, bias, trains, dropout)
    return found[0]


def dropped_out(x: Tensor, p: float, training: bool = True, inplace: bool = False) -> Tensor:
    """Drop out with a mask of a byte an element, as a GPU keeps it."""
    return x if p == 0 else torch.native_dropout(x, p, training)[0]


def in_float32(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Compute a function in float32 under autocast, as autocast does on a GPU alone."""

    def computed(*args: object, **kwargs: object) -> Tensor:
        if torch.is_autocast_enabled("cpu"):
            args, kwargs = tree_map_only(Tensor, Tensor.float, (args, kwargs))
        return function(*args, **kwargs)

    return computed


def in_bf16(device: torch.device, precision: str) -> bool:
    """Tell whether a GPU computes in bf16."""
    return precision == "bf16"


AS_ON_A_GPU = {
    "sdd.runtime.devices.computes_in_bf16": in_bf16,
    "sdd.training.policies.computes_in_bf16": in_bf16,
    "sdd.training.optimiser.has_fused_step": lambda device: True,
    "torch.nn.functional.scaled_dot_product_attention": fused_attention,
    "torch.nn.functional.dropout": dropped_out,
    "torch.nn.functional.layer_norm": in_float32(F.layer_norm),
    "torch.nn.functional.group_norm": in_float32(F.group_norm),
    # Where a value is looked at there is none: all labels are correct, and no layer is left out.
    "torch.binomial": lambda trials, *_, **__: trials.clone(),
    "torch.Tensor.tolist": lambda tensor: [1.0] * tensor.numel(),
    "torch.Tensor.item": lambda tensor: 1.0,
}


@contextmanager
def on_a_pretended_gpu() -> Iterator[Counter]:
    """Run the block as on a GPU on tensors without content; count what is alive of them."""
    with ExitStack() as stack:
        for name, stand_in in AS_ON_A_GPU.items():
            stack.enter_context(mock.patch(name, stand_in))
        stack.enter_context(FakeTensorMode(allow_non_fake_inputs=True))
        yield stack.enter_context(Counter())


@dataclass(frozen=True)
class Row:
    """A kind of step.

    Attributes
    ----------
    objective
        As a config has it; what it says of the recipe is not looked at.
    segments, seconds
        How many segments a batch has, and how long each is.
    masked
        Whether lengths differ, so that padding is masked.
    """

    architecture: Architecture
    objective: Mapping[str, Any]
    recipe: Recipe
    recomputed: bool
    segments: int
    seconds: float
    masked: bool = False

    @property
    def kind(self) -> Objective:
        """The objective itself."""
        apart = ("trainable", "switches")
        return objective_from_config(
            {name: value for name, value in self.objective.items() if name not in apart}
        )

    def counted(self) -> Counter:
        """Count two steps, of which the second has moments; operations and bytes are its own."""
        with on_a_pretended_gpu() as counter, tempfile.TemporaryDirectory() as folder:
            trainer = self._trainer(Path(folder))
            batch = self._batch()
            for _ in range(2):
                counter.operations = counter.moved = 0
                trainer.train_step(batch)
            return counter

    def estimated_bytes(self) -> float:
        """Estimate the same by arithmetic."""
        return training_gpu_bytes(
            self.architecture,
            TrainingNeeds.of(self.objective, vars(self.recipe)),
            self.segments * self.seconds,
            precision=self.recipe.precision,
            recomputed=self.recomputed,
        )

    def _trainer(self, folder: Path) -> Trainer:
        with without_weights():
            detector = Detector(self.architecture)
        empty = {
            name: torch.empty_like(it, device="cpu") for name, it in detector.state_dict().items()
        }
        detector.load_state_dict(empty, assign=True)
        del empty
        detector.checkpoint_activations = self.recomputed
        trainable = Trainable.of(self.objective)
        policies = Policies(detector, self.kind, self.recipe, trainable=trainable)
        # Values are checked and normalised ahead of the step: here there are none.
        policies.prepare = lambda batch: PreparedBatch(  # type: ignore[method-assign]
            batch.waveforms,
            batch.lengths if self.masked else None,
            batch.labels,
        )
        table = self._segments()
        data = TrainingData(table, table, folder)
        return Trainer(policies, data, seed=0, state=folder, machine=Machine())

    def _batch(self) -> Batch:
        count = self.segments
        waveforms = torch.zeros(count, round(self.seconds * SAMPLE_RATE))
        lengths = torch.full((count,), waveforms.shape[1])
        rows = torch.arange(count)
        return Batch(waveforms, lengths, rows % 2, rows)

    def _segments(self) -> Segments:
        names = [str(number) for number in range(self.segments)]
        same = ["-"] * self.segments
        ends = np.full(self.segments, round(self.seconds * SAMPLE_RATE))
        return Segments(
            segment_id=names,
            source=names,
            label=["real"] * self.segments,
            attack=same,
            speaker=same,
            path=same,
            file=names,
            start=np.zeros_like(ends),
            end=ends,
        )


def rows(arguments: argparse.Namespace) -> Iterator[tuple[str, str, Row]]:
    """List the rows of the table with the names of their model and objective."""
    written = Recipe.from_config(PAPER["recipes"]["as_written"])
    for name, objective, precision, recomputed in itertools.product(
        arguments.architecture, arguments.objectives, arguments.precision, (False, True)
    ):
        yield (
            name,
            objective,
            Row(
                find_architecture(name),
                KNOWN[objective],
                replace(written, precision=precision),
                recomputed,
                arguments.batch,
                arguments.seconds,
                arguments.masked,
            ),
        )


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--architecture", nargs="+", default=["xlsr_2b", "mms_1b", "mms_300m"])
    add("--objectives", nargs="+", default=OBJECTIVES, help="of config.yaml or controls.yaml")
    add("--precision", nargs="+", default=PRECISIONS, choices=["fp32", "tf32", "bf16"])
    add("--batch", type=int, default=10, help="segments in a batch")
    add("--seconds", type=float, default=10.0, help="of each segment")
    add("--teraflops", type=float, default=600.0, help="of products, 1e12 operations a second")
    add("--terabytes", type=float, default=2.6, help="of memory, 1e12 bytes a second")
    add("--masked", action="store_true", help="with masked padding")
    return parser.parse_args()


def write(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Count and show."""
    arguments = parsed()
    write(f"batches of {arguments.batch} x {arguments.seconds:g} s; GB of 1e9 bytes")
    write("model      objective      precision  recomputed  counted  estimate  ratio  s a step")
    off = 0.0
    for name, objective, row in rows(arguments):
        counter, estimated = row.counted(), row.estimated_bytes() / 1e9
        counted = counter.most / 1e9
        computing = counter.operations / 1e12 / arguments.teraflops
        moving = counter.moved / 1e12 / arguments.terabytes
        off = max(off, abs(estimated / counted - 1))
        write(
            f"{name:10} {objective:14} {row.recipe.precision:10} "
            f"{'yes' if row.recomputed else 'no':10} {counted:8.3g} {estimated:9.3g} "
            f"{estimated / counted:6.3f}  {computing + moving:.3f} = {computing:.3f} + {moving:.3f}"
        )
    write(f"the estimate is off by {off:.1%} at most")


if __name__ == "__main__":
    main()
