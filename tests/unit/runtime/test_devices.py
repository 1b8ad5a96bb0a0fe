"""How a process computes: bf16 where there is a GPU, and memory that grows in place."""

import ctypes
import warnings
from types import SimpleNamespace

import pytest
import torch

from sdd.runtime.devices import (
    ALLOCATOR_VARIABLES,
    HEAP_VARIABLES,
    autocast,
    computes_in_bf16,
    computing_in,
    describe_precision,
    in_float32,
    prepare_process,
    used_precision,
)

CPU, GPU = torch.device("cpu"), torch.device("cuda:1")


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("said", [None, *ALLOCATOR_VARIABLES])
def test_gpu_memory_grows_in_place_unless_the_user_says_otherwise(said, there, monkeypatch):
    for name in ALLOCATOR_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    if said:
        monkeypatch.setenv(said, "max_split_size_mb:128")
    asked = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    monkeypatch.setattr(torch._C, "_accelerator_setAllocatorSettings", asked.append)
    prepare_process("fp32", 1)
    assert asked == (["expandable_segments:True"] if there and not said else [])


@pytest.mark.parametrize("said", [None, *HEAP_VARIABLES])
def test_freed_memory_is_kept_unless_the_user_says_otherwise(said, monkeypatch):
    for name in HEAP_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    if said:
        monkeypatch.setenv(said, "65536")
    asked = []
    glibc = SimpleNamespace(mallopt=lambda *values: asked.append(values))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: glibc)
    prepare_process("fp32", 1)
    # M_MMAP_THRESHOLD and M_TRIM_THRESHOLD of malloc.h.
    assert asked == ([] if said else [(-3, 32 * 2**20), (-1, 2**30)])


def test_a_c_library_without_such_a_setting_is_left_alone(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    prepare_process("fp32", 1)


def test_bf16_is_for_gpus_alone():
    assert [computes_in_bf16(GPU, kind) for kind in ("bf16", "tf32", "fp32")] == [
        True,
        False,
        False,
    ]
    assert not computes_in_bf16(CPU, "bf16")
    with autocast(CPU, "bf16"):
        assert not torch.is_autocast_enabled("cpu")


@pytest.fixture(params=[(False, True), (True, False)])
def torch_s_switches(request):
    """Of matrices and of cuDNN, as a process may have them; torch's own values afterwards."""
    matrices, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matrices.allow_tf32, convolutions.allow_tf32
    matrices.allow_tf32, convolutions.allow_tf32 = request.param
    yield request.param
    matrices.allow_tf32, convolutions.allow_tf32 = before


def switches():
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16"])
def test_a_precision_holds_for_a_block_and_no_longer(precision, torch_s_switches):
    with warnings.catch_warnings(action="ignore"):  # there may be no GPU
        with computing_in(GPU, precision):
            assert switches() == (precision == "tf32",) * 2
            with in_float32(GPU):
                assert switches() == (False, False)
            assert switches() == (precision == "tf32",) * 2
        assert switches() == torch_s_switches
        with pytest.raises(KeyError), computing_in(GPU, precision):
            raise KeyError
    assert switches() == torch_s_switches


def test_a_cpu_computes_in_float32_and_says_so(torch_s_switches):
    with computing_in(CPU, "tf32"):
        assert switches() == torch_s_switches
    assert [used_precision(CPU, kind) for kind in ("fp32", "tf32", "bf16")] == ["fp32"] * 3
    assert [used_precision(GPU, kind) for kind in ("tf32", "bf16")] == ["tf32", "bf16"]
    assert describe_precision(CPU, "bf16") == "fp32 (bf16 is for GPUs)"
    assert describe_precision(CPU, "fp32") == "fp32"
    assert describe_precision(GPU, "bf16") == "bf16"


def test_float32_within_another_precision():
    with torch.autocast("cpu", torch.bfloat16), in_float32(CPU):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
