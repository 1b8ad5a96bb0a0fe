"""What a device is called, and the most memory that was used."""

import platform
import resource
from pathlib import Path

import numpy as np
import pytest
import torch

from sdd.runtime.device_facts import GPU_MEMORY, MAIN_MEMORY, device_model, peak_memory

CPU = torch.device("cpu")


def test_the_peak_of_a_cpu_is_that_of_the_process():
    block = np.ones(25_000_000)  # 0.2 GB
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    peak = peak_memory(CPU)
    assert block.nbytes == 200_000_000
    assert peak.of == MAIN_MEMORY
    # Linux counts pages a little behind.
    assert peak.gigabytes >= 0.95 * resident / 1e9 > 0.19


def test_the_peak_is_read_in_units_of_1024_bytes(tmp_path):
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nVmPeak:\t 9999999 kB\nVmHWM:\t 1953125 kB\nVmRSS:\t 5 kB\n")
    assert peak_memory(CPU, status).gigabytes == pytest.approx(2.0)


def test_the_peak_of_a_gpu_is_what_torch_allocated(monkeypatch):
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 60_000_000_000)
    peak = peak_memory(torch.device("cuda:1"))
    assert (peak.gigabytes, peak.of) == (60.0, GPU_MEMORY)


def test_a_device_is_named_by_its_model(tmp_path, monkeypatch):
    processors = tmp_path / "cpuinfo"
    processors.write_text(
        "processor\t: 0\nmodel name\t: Some CPU @ 3 GHz\ncache size\t: 1 KB\n" * 2
    )
    assert device_model(CPU, processors) == "Some CPU @ 3 GHz"
    processors.write_text("processor\t: 0\nCPU part\t: 0xd0c\n")
    assert device_model(CPU, processors) == platform.machine()
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H100")
    assert device_model(torch.device("cuda")) == "NVIDIA H100"
