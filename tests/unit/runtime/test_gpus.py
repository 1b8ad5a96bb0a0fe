"""Processes of one machine share its GPUs out among themselves."""

import subprocess
import sys
import types

import torch

from sdd.runtime.devices import choose_device
from sdd.runtime.gpus import claim_gpu

CLAIM = """
import sys, time
from pathlib import Path
from sdd.runtime.gpus import claim_gpu
folder = Path(sys.argv[1])
first = claim_gpu(["a", "b"], folder, 0.01)
assert claim_gpu(["a", "b"], folder, 0.01) == first
print(first, flush=True)
sys.stdin.readline()
"""


def claiming(folder):
    return subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_each_process_has_a_gpu_of_its_own_and_the_third_waits(tmp_path):
    first, second = claiming(tmp_path), claiming(tmp_path)
    assert {first.stdout.readline(), second.stdout.readline()} == {"0\n", "1\n"}
    third = claiming(tmp_path)
    assert "all 2 GPUs are taken" in third.stderr.readline()
    first.kill()
    first.wait()
    assert third.stdout.readline() in ("0\n", "1\n")
    for process in (second, third):
        process.kill()
        process.wait()


def test_auto_takes_a_free_gpu_of_several(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    uuids = (types.SimpleNamespace(uuid=f"GPU-{number}") for number in range(2))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: next(uuids))
    monkeypatch.setattr("sdd.runtime.gpus.tempfile.gettempdir", lambda: str(tmp_path))
    assert choose_device("auto") == torch.device("cuda:0")
    assert (tmp_path / "sdd-gpu-GPU-0.lock").exists()
    assert claim_gpu(["GPU-0", "GPU-1"], tmp_path) == 0  # this process's already


def test_one_gpu_is_not_claimed(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert choose_device("auto") == torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert choose_device("auto") == torch.device("cpu")
    assert choose_device("cuda:3") == torch.device("cuda:3")
