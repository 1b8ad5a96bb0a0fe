"""Devices and their arithmetic: which GPU, and how precisely it multiplies."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal

import torch

from sdd.runtime.gpus import claim_gpu

Precision = Literal["fp32", "tf32", "bf16"]
ALLOCATOR_VARIABLES = ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF")
"""Where a user says how torch hands out GPU memory."""
HEAP_VARIABLES = ("GLIBC_TUNABLES", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
"""Where a user says how the C library hands out memory."""
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
_KEPT = 1 << 30
_LARGEST_KEPT = 32 << 20  # as large as glibc allows


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


def prepare_process(precision: Precision, threads: int) -> None:
    """Set this process' CPU threads, how memory is handed out, and how a GPU multiplies float32.

    Ahead of the first tensor on a GPU.
    """
    torch.set_num_threads(threads)
    _keep_freed_memory()
    if torch.cuda.is_available() and not any(name in os.environ for name in ALLOCATOR_VARIABLES):
        # Batches of many lengths: without it freed blocks of the wrong size lie about unused.
        torch._C._accelerator_setAllocatorSettings("expandable_segments:True")
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"


def _keep_freed_memory() -> None:
    """Have freed activations kept for the next step: at most 1 GiB, of blocks of at most 32 MiB.

    Otherwise glibc returns them and has the kernel clear as many pages anew in each step of a small
    encoder. Other C libraries have no such setting.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None and not any(name in os.environ for name in HEAP_VARIABLES):
        mallopt(_MMAP_THRESHOLD, _LARGEST_KEPT)
        mallopt(_TRIM_THRESHOLD, _KEPT)


def used_precision(device: torch.device, precision: Precision) -> Precision:
    """Return what a device computes in: precisions are for GPUs, a CPU computes in fp32."""
    return precision if device.type == "cuda" else "fp32"


def describe_precision(device: torch.device, precision: Precision) -> str:
    """Say what a device computes in and, where that is not what was asked for, why."""
    used = used_precision(device, precision)
    return used if used == precision else f"{used} ({precision} is for GPUs)"


@contextmanager
def computing_in(device: torch.device, precision: Precision) -> Iterator[None]:
    """Run a block in a precision, whatever the process is set to; afterwards all is as it was.

    On a GPU `tf32` has float32's products and convolutions round their factors to TF32, which are
    two switches of torch: that of cuDNN's convolutions is on unless it is turned off. `fp32` and
    `bf16` turn both off.
    """
    matrices, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matrices.allow_tf32, convolutions.allow_tf32
    if device.type == "cuda":
        matrices.allow_tf32 = convolutions.allow_tf32 = precision == "tf32"
    try:
        with autocast(device, precision):
            yield
    finally:
        matrices.allow_tf32, convolutions.allow_tf32 = before


@contextmanager
def in_float32(device: torch.device) -> Iterator[None]:
    """Run a block in float32 throughout, within one of another precision."""
    with torch.autocast(device.type, enabled=False), computing_in(device, "fp32"):
        yield


def computes_in_bf16(device: torch.device, precision: Precision) -> bool:
    """Tell whether a device computes in bf16: where that is asked for, on a GPU; no CPU does."""
    return precision == "bf16" and device.type == "cuda"


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """Run a block in bf16 where the device computes in it."""
    if computes_in_bf16(device, precision):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()
