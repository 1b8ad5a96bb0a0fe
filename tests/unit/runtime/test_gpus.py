"""Processes of one machine share its GPUs out among themselves."""

import os
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


def lock_file(folder, name="GPU-0"):
    return folder / f"sdd-gpu-{name}.lock"


def test_another_users_lock_file_is_locked_without_writing_it(tmp_path, monkeypatch):
    """Its owner alone may write it, and Linux refuses to create over it in a shared folder."""
    lock_file(tmp_path).touch(0o444)
    opened = []
    plain_open = os.open

    def noting(path, flags, *mode):
        opened.append(flags)
        return plain_open(path, flags, *mode)

    monkeypatch.setattr(os, "open", noting)
    assert claim_gpu(["GPU-0"], tmp_path) == 0
    assert opened == [os.O_RDONLY]


def test_every_user_can_read_a_lock_file_whatever_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        claim_gpu(["GPU-0"], tmp_path)
    finally:
        os.umask(before)
    assert lock_file(tmp_path).stat().st_mode & 0o777 == 0o644


def test_a_lock_file_that_cannot_be_read_is_a_gpu_that_is_taken(tmp_path, monkeypatch, caplog):
    plain_open = os.open

    def refusing(path, flags, *mode):
        if path == lock_file(tmp_path):
            raise PermissionError(13, "Permission denied", str(path))
        return plain_open(path, flags, *mode)

    monkeypatch.setattr(os, "open", refusing)
    assert claim_gpu(["GPU-0", "GPU-1"], tmp_path) == 1
    assert f"{lock_file(tmp_path)} belongs to another user and cannot be read" in caplog.text


def test_a_lock_file_that_appears_in_between_is_opened(tmp_path, monkeypatch):
    plain_open = os.open

    def late(path, flags, *mode):
        if not flags & os.O_CREAT and not lock_file(tmp_path).exists():
            lock_file(tmp_path).touch()
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return plain_open(path, flags, *mode)

    monkeypatch.setattr(os, "open", late)
    assert claim_gpu(["GPU-0"], tmp_path) == 0
