"""How a process computes: bf16 where there is a GPU, and memory that grows in place."""

import pytest
import torch

from sdd.runtime.devices import ALLOCATOR_VARIABLES, autocast, computes_in_bf16, prepare_process


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


def test_bf16_is_for_gpus_alone():
    gpu, cpu = torch.device("cuda:1"), torch.device("cpu")
    assert [computes_in_bf16(gpu, kind) for kind in ("bf16", "tf32", "fp32")] == [
        True,
        False,
        False,
    ]
    assert not computes_in_bf16(cpu, "bf16")
    with autocast(cpu, "bf16"):
        assert not torch.is_autocast_enabled("cpu")
