"""The workflow on a real Slurm: undisturbed, and through everything that happens to jobs there."""

import csv
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from .cluster import (
    Cell,
    Freezer,
    asked_for,
    attempts,
    command,
    elapsed_seconds,
    is_signalled,
    is_there,
    jobs,
    one_node_slurm,
    state_of,
    submitted,
    wait_until,
)

pytestmark = pytest.mark.slurm
CELLS = ("sft", "grpo_s", "grpo", "sft-grpo", "grpo_noneg")


def copy_without(whole, tmp_path, algorithms):
    """A copy of the undisturbed run's folder, less what came of these cells."""
    folder = tmp_path / "disturbed"
    shutil.copytree(whole[0], folder, symlinks=True)
    shutil.rmtree(folder / "logs", ignore_errors=True)
    cells = [Cell(folder, algorithm) for algorithm in algorithms]
    for cell in cells:
        shutil.rmtree(cell.folder)
    return folder, cells


def assert_same_weights(whole, cells):
    for cell in cells:
        assert cell.model.read_bytes() == (whole[0] / cell.target).read_bytes(), cell.target


def assert_nothing_is_left(folder):
    """No job that nobody waits for, no half-written file, no state."""
    wait_until(lambda: not jobs(), "jobs are left")
    results = folder / "results"
    assert [path for path in results.rglob(".*") if path.is_file()] == []
    assert list(results.rglob("state/*")) == []


def test_the_whole_experiment(whole):
    folder, output, watcher = whole
    made = folder / "results/slurm/as_written"
    with (made / "table1.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    assert all(row["dfe24_4s"] and row["add23"] for row in rows)
    assert (made / "figure2.png").stat().st_size > 1000
    assert "Results to look at:" in output
    assert len(watcher.devices) == len(CELLS) + 1  # post-training is fine-tuning, too
    # An hour is the least; 6 GB is Python and torch, 2 are two workers, and a step of the tiny
    # detector lies in main memory, without a GPU: 0.01 GB, in post-training 0.02.
    for job in watcher.devices:
        assert asked_for(job) == (60, pytest.approx(8.015, abs=0.01))
    assert set(watcher.devices) <= set(submitted(output))
    assert set(watcher.devices.values()) <= {"0", "1"}  # exactly one GPU each
    assert 1 <= watcher.most_at_once <= 2
    assert_nothing_is_left(folder)


def test_a_cell_submits_only_its_own_jobs(whole, start, tmp_path):
    folder, (cell,) = copy_without(whole, tmp_path, ["sft-grpo"])
    target = cell.target.replace("model.safetensors", "eer.csv")
    output = start(folder, "--dry-run", "--", target).end()
    table = output.split("Job stats:")[1].split("total")[0]
    found = dict(re.findall(r"^(\w+) +(\d+)$", table, re.M))
    assert found == {"finetune": "1", "score_toy": "1", "measure_eer": "1"}


def test_jobs_that_are_disturbed(whole, start, tmp_path):
    """Every cell meets a fault of its own, while Slurm's daemons go and come."""
    folder, cells = copy_without(whole, tmp_path, CELLS)
    sft, grpo_s, grpo, two_stages, noneg = cells
    disturbances = {
        sft: cancel,
        grpo_s: kill_the_process,
        grpo: let_the_time_limit_come_near,
        noneg: preempt,
        two_stages: let_the_time_limit_pass,
    }
    happened = []
    run = start(folder, *(cell.target for cell in cells))
    with Freezer(cells) as freezer:
        while disturbances:
            cell, pid, job = freezer.take(disturbances)
            disturb = disturbances.pop(cell)
            disturb(cell, pid, job)
            happened.append(job)
            if disturb is kill_the_process:
                restart("slurmd", seconds=3)
            if disturb is cancel:
                restart("slurmctld", seconds=60)  # the plugin's default gives up after 45
    output = run.end()
    assert len(happened) == 5
    # A job that ended is submitted again. Preempted ones Slurm starts again by itself, and grpo's
    # may be one of them: the urgent job takes both GPUs.
    for cell in (sft, grpo_s, two_stages):
        assert len(attempts(output, cell)) >= 2, cell.target
    for cell in cells:
        assert cell.times_resumed() >= 1, cell.attempts.read_text()
    assert "SIGUSR1: saving the state" in grpo.attempts.read_text()
    for cell in (sft, noneg):
        assert "SIGTERM: saving the state" in cell.attempts.read_text()
    assert_no_step_was_lost(grpo)
    first, second, *_ = attempts(output, sft)
    assert asked_for(first) == (60, pytest.approx(8.01, abs=0.005))
    assert asked_for(second) == (120, pytest.approx(12.01, abs=0.005))
    assert_same_weights(whole, cells)
    assert_nothing_is_left(folder)


def cancel(cell, pid, job):
    command("scancel", job)


def kill_the_process(cell, pid, job):
    os.kill(pid, signal.SIGKILL)


def let_the_time_limit_come_near(cell, pid, job):
    """Ten minutes in all: the profile's warning is due at once."""
    command("scontrol", "update", f"jobid={job}", "TimeLimit=10")
    wait_until(lambda: is_signalled(pid, signal.SIGUSR1), "no warning before the limit")
    if is_there(pid):
        os.kill(pid, signal.SIGCONT)


def let_the_time_limit_pass(cell, pid, job):
    """A minute, which is over."""
    wait_until(lambda: elapsed_seconds(job) > 65, "the job does not last")
    command("scontrol", "update", f"jobid={job}", "TimeLimit=1")
    wait_until(lambda: not is_there(pid), "no time-out")
    wait_until(lambda: state_of(job) == "TIMEOUT", f"job {job} is {state_of(job)}")


def preempt(cell, pid, job):
    """Someone else's job, in a partition that goes first, wants both GPUs."""
    other = command(
        "sbatch",
        "--parsable",
        "--partition=urgent",
        "--gpus=2",
        "--output=/dev/null",
        "--wrap=sleep 5",
    ).strip()
    wait_until(lambda: not is_there(pid), "the job is not preempted")
    assert other


def restart(daemon, seconds):
    one_node_slurm("stop", daemon)
    time.sleep(seconds)
    one_node_slurm("start", daemon)


def assert_no_step_was_lost(cell):
    with (cell.folder / "history.csv").open() as file:
        steps = [int(row["step"]) for row in csv.DictReader(file)]
    assert steps == list(range(1, len(steps) + 1))


def test_snakemake_killed_a_full_disk_and_a_job_that_always_fails(whole, start, tmp_path):
    folder, cells = copy_without(whole, tmp_path, ("sft", "grpo_s", "grpo"))
    sft, full, failing = cells
    # A state that belongs to another run is refused, each time anew.
    first = start(folder, sft.target)
    pid, job = sft.freeze()
    first.kill()
    failing.state.parent.mkdir(parents=True)
    shutil.copy(sft.state, failing.state)
    full.state.parent.parent.mkdir(parents=True)
    size = 2 * sft.state.stat().st_size - 100_000  # one state, and most of the next
    tmpfs = str(full.state.parent.parent)
    command("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", tmpfs)
    try:
        assert jobs() == {sft.comment: job}  # nobody waits for it any more
        start(folder, "--unlock").end()
        second = start(folder, "--retries=2", *(cell.target for cell in cells))
        wanted = sft.state.parent.with_name("model.wanted")
        wait_until(wanted.exists, "the second job does not ask the first to leave")
        os.kill(pid, signal.SIGCONT)
        wait_until(
            lambda: full.attempts.exists() and "no space left" in full.attempts.read_text(),
            "the full disk is not named",
        )
        command("mount", "-o", "remount,size=64m", tmpfs)
        output = second.end(status=1)
    finally:
        subprocess.run(["umount", "--lazy", tmpfs], check=False)
    assert f"{full.state.relative_to(folder)}: no space left" in full.attempts.read_text()
    assert not failing.model.exists()
    assert "Error in rule finetune" in output
    assert str(failing.log.relative_to(folder)) in output
    assert "was saved by a run with other settings" in output
    assert "delete it to start anew" in output
    assert_same_weights(whole, (sft, full))
    shutil.rmtree(failing.state.parent)
    start(folder, failing.target).end()
    assert_same_weights(whole, cells)
    assert_nothing_is_left(folder)
