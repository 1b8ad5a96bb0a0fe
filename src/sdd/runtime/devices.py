"""Devices and their arithmetic: which GPU, and how precisely it multiplies."""

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch

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


def prepare_process(precision: Precision, threads: int) -> None:
    """Set this process' CPU threads, and how float32 matrices are multiplied on a GPU."""
    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """Run a block in bf16 where that is asked for and there is a GPU; the CPU stays in fp32."""
    if precision == "bf16" and device.type == "cuda":
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()
