"""Facts about a device that results do not depend on: its kind, and the memory that was used."""

import platform
import re
from dataclasses import dataclass
from pathlib import Path

import torch

GPU_MEMORY = "GPU memory, allocated"
MAIN_MEMORY = "main memory, resident"

_MODEL = re.compile(r"^model name\s*:\s*(.+)$", re.MULTILINE)
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


@dataclass(frozen=True)
class PeakMemory:
    """The most of one kind of memory.

    Attributes
    ----------
    of
        `GPU_MEMORY`, as torch counts its tensors; or `MAIN_MEMORY`, as Linux counts pages.
    """

    gigabytes: float
    of: str


def device_model(device: torch.device, processors: Path = Path("/proc/cpuinfo")) -> str:
    """Name the model of a GPU, or of this machine's CPU; its kind where Linux knows no model."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    found = _MODEL.search(processors.read_text(encoding="utf-8"))
    return found[1].strip() if found else platform.machine()


def peak_memory(device: torch.device, status: Path = Path("/proc/self/status")) -> PeakMemory:
    """Return the most that this process has used: of its GPU, or of main memory without one.

    Parameters
    ----------
    status
        What Linux says of the process. Not `getrusage`, whose peak may be that of the process that
        started this one.
    """
    if device.type == "cuda":
        return PeakMemory(torch.cuda.max_memory_allocated(device) / 1e9, GPU_MEMORY)
    found = _PEAK.search(status.read_text(encoding="ascii"))
    if found is None:
        raise ValueError(f"{status} has no line VmHWM")
    return PeakMemory(1024 * int(found[1]) / 1e9, MAIN_MEMORY)
