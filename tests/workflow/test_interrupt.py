"""Ctrl-C on a workstation: every process of the terminal's foreground gets it."""

import os
import signal
import subprocess
import sys
import time

import torch

from tests.helpers.processes import wait_until_gone

CELL = "results/mini/as_written/tiny_s/post/sft/round1"
# Longer than any test, and saved after each step.
ENDLESS = """
workers: 2
save_state_minutes: 1.0e-9
recipes: {as_written: {max_steps: 10000000, epochs: 10000000, validate_every: 1000}}
"""


def run_until_saved_and_interrupt(run, state):
    """Give the step of the state that an interrupted Snakemake leaves."""
    before = state.stat().st_mtime_ns if state.exists() else 0
    words = ["--cores", "2", "--configfile", *run.configfiles, "--", f"{CELL}/model.safetensors"]
    snakemake = subprocess.Popen(
        [sys.executable, "-m", "snakemake", *words],
        cwd=run.folder,
        stdout=-1,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    while not (state.exists() and state.stat().st_mtime_ns > before):
        assert snakemake.poll() is None, snakemake.communicate()[0]
        time.sleep(0.01)
    os.killpg(snakemake.pid, signal.SIGINT)
    printed, _ = snakemake.communicate()
    assert snakemake.returncode == 1
    assert "non-zero exit status 75" in printed
    wait_until_gone(snakemake.pid)
    return torch.load(state, weights_only=True)["progress"]["step"]


def test_training_saves_itself_and_goes_on(run, tmp_path):
    endless = run.with_config(ENDLESS, tmp_path / "endless.yaml")
    state = run.folder / CELL / "state/model/state.pt"
    first = run_until_saved_and_interrupt(endless, state)
    second = run_until_saved_and_interrupt(endless, state)
    assert 0 < first < second
    log = (run.folder / CELL / "logs/finetune_attempts.log").read_text()
    assert f"going on from step {first}" in log
    assert log.count("SIGINT: saving the state and stopping") == 2
