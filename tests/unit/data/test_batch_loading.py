"""Batches that are the same however they are read, and the processes that read ahead."""

import os
import signal
import subprocess
import sys

import numpy as np
import psutil
import pytest
import torch

from sdd.data.batch_loading import load_batches
from sdd.data.batching import plan_epoch
from sdd.data.dataset import CropRule, SegmentDataset
from sdd.errors import InputError
from sdd.runtime.stopping import SIGNALS
from sdd.runtime.worker_processes import PROCESSES
from tests.helpers.processes import (
    begin_session,
    living_of_session,
    run_to_the_end,
    wait_until_gone,
)


@pytest.fixture
def dataset(tones):
    segments, folder = tones
    return SegmentDataset.of(segments, folder, crop=CropRule(0.6, 0.3, 0.6), rawboost=5, seed=3)


def equal(one, other):
    return all(
        getattr(one, name).equal(getattr(other, name))
        for name in ("waveforms", "lengths", "labels", "indices")
    )


def test_batches_come_in_order_whatever_the_workers(dataset):
    batches = plan_epoch(np.full(24, 1.0), budget_seconds=4.0, buckets=3, seed=3, epoch=2)
    assert len(batches) > 3
    alone = list(load_batches(dataset, batches, epoch=2))
    assert [batch.indices.tolist() for batch in alone] == batches
    for batch in alone:
        for row, index in enumerate(batch.indices.tolist()):
            waveform, label, _ = dataset[2, index]
            assert batch.labels[row] == label
            assert batch.lengths[row] == len(waveform)
            np.testing.assert_array_equal(batch.waveforms[row, : len(waveform)], waveform)
            assert not batch.waveforms[row, len(waveform) :].any()
    together = list(load_batches(dataset, batches, epoch=2, workers=2))
    assert all(equal(one, other) for one, other in zip(alone, together, strict=True))


@pytest.mark.parametrize("workers", [0, 2])
def test_resumed_epoch_is_the_tail(dataset, workers):
    batches = [[0, 1], [2], [3, 4, 5], [6, 7], [8]]
    whole = list(load_batches(dataset, batches, epoch=1))
    tail = list(load_batches(dataset, batches, epoch=1, first=2, workers=workers))
    assert len(tail) == 3
    assert all(equal(one, other) for one, other in zip(whole[2:], tail, strict=True))
    assert list(load_batches(dataset, batches, epoch=1, first=5, workers=workers)) == []


@pytest.mark.parametrize("workers", [0, 2])
def test_reading_leaves_the_global_generator_alone(dataset, workers):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    list(load_batches(dataset, [[0], [1]], epoch=0, workers=workers))
    assert torch.get_rng_state().equal(before)


@pytest.mark.parametrize("workers", [0, 1])
def test_unreadable_file_is_one_clear_error(tmp_path, workers):
    dataset = SegmentDataset(
        ["missing.flac"], np.array([0]), np.array([9]), np.array([1]), tmp_path
    )
    with pytest.raises(InputError, match=r"missing\.flac") as caught:
        list(load_batches(dataset, [[0]], epoch=0, workers=workers))
    assert "Traceback" not in str(caught.value)


# ------------------------------------------------------------------------------- worker processes
def readers():
    """Processes that read ahead, on behalf of this one."""
    return {process for process in PROCESSES.active_children() if process.daemon}


def test_workers_end_with_what_they_read_for(dataset):
    before = readers()
    batches = load_batches(dataset, [[index] for index in range(24)], epoch=0, workers=2)
    next(batches)
    assert len(readers() - before) == 2
    batches.close()
    assert not readers() - before


def test_a_worker_that_dies_is_named(dataset):
    before = readers()
    batches = load_batches(dataset, [[index] for index in range(24)], epoch=0, workers=2)
    next(batches)
    for process in readers() - before:
        process.kill()
    with pytest.raises(InputError, match=r"process died, of too little memory.*workers: 2"):
        list(batches)


def read_and_be_signalled(dataset, connection):
    """In a process: read, with signals to all of its session at every batch."""
    begin_session()
    for number in SIGNALS:
        signal.signal(number, lambda *_: None)
    for batch in load_batches(dataset, [[index] for index in range(24)], epoch=0, workers=2):
        for number in SIGNALS:
            os.killpg(0, number)
        connection.send(batch.indices.tolist())


def test_workers_and_their_server_leave_signals_to_the_main_process(dataset):
    """Also those that come while they start."""
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=read_and_be_signalled, args=(dataset, theirs))
    process.start()
    theirs.close()
    read = []
    for _ in range(24):
        read += ours.recv()
    process.join()
    assert process.exitcode == 0
    assert read == list(range(24))
    wait_until_gone(process.pid)


def read_and_be_killed(dataset):
    """In a process: read, until this process is killed, and not its workers."""
    begin_session()
    for _ in load_batches(dataset, [[index] for index in range(24)], epoch=0, workers=2):
        os.kill(os.getpid(), signal.SIGKILL)


def test_workers_do_not_outlive_a_main_process_that_is_killed(dataset):
    assert run_to_the_end(read_and_be_killed, dataset) == -signal.SIGKILL


# A script without a guard, as Snakemake runs them; it fails with its workers in use.
SCRIPT = """
import warnings
from pathlib import Path
import numpy as np
from sdd.data.batch_loading import load_batches
from sdd.data.dataset import SegmentDataset

warnings.simplefilter("error")
print("begins", flush=True)
files = [f"{index}.flac" for index in range(24)]
bounds = np.zeros(24, int), np.full(24, 4000), np.zeros(24, int)
dataset = SegmentDataset(files, *bounds, Path(FOLDER))
batches = load_batches(dataset, [[index] for index in range(24)], epoch=0, workers=2)
print(next(batches).indices.tolist(), flush=True)
raise ValueError("in the script")
"""


def test_a_script_is_not_run_again_and_its_workers_end_with_it(tones, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(f"FOLDER = {str(tones[1])!r}\n{SCRIPT}")
    run = subprocess.Popen(
        [sys.executable, script], stdout=-1, stderr=-1, text=True, start_new_session=True
    )
    output, errors = run.communicate()
    assert output == "begins\n[0]\n"
    assert errors.endswith("ValueError: in the script\n")
    assert run.returncode == 1
    wait_until_gone(run.pid)


def test_a_session_knows_its_processes():
    """What the tests above rely on."""
    sleeper = subprocess.Popen(["sleep", "600"], start_new_session=True)
    assert living_of_session(sleeper.pid) == [psutil.Process(sleeper.pid)]
    sleeper.kill()
    sleeper.wait()
    assert living_of_session(sleeper.pid) == []
