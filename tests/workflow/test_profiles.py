"""The ready profiles: planned without a cluster, and a Grid Engine of four commands."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.helpers.checkouts import copy_checkout
from tests.helpers.snakemake_runs import snakemake

# What the profile needs of Grid Engine: a job runs at once, in a session of its own.
QSUB = """#!/bin/bash
echo "$@" >>{folder}/submitted
script=${{@: -1}}
(setsid sh "$script" >{folder}/output 2>&1
 echo "exit_status $?" >{folder}/$$.ended) >/dev/null 2>&1 &
echo $$
"""
QSTAT = """#!/bin/bash
[[ $1 != -j ]] || [[ ! -e {folder}/$2.ended ]]
"""
QACCT = """#!/bin/bash
echo "failed 0"; cat {folder}/$2.ended
"""
OWN = """
corpora: {{mine: {{reader: folders, real: {folder}/real, fake: {folder}/fake}}}}
sets: {{mine: {{corpus: mine}}}}
out_of_domain: {{sets: [mine]}}
"""


@pytest.mark.parametrize("profile", ["workstation", "grid_engine"])
def test_the_paper_is_planned_through_a_profile(checkout, profile):
    """On a machine without a cluster."""
    output = snakemake(checkout, "--profile", f"profiles/{profile}", "all", "-n")
    assert re.search(r"^finetune +51$", output, re.M)


def test_the_plan_of_the_paper(checkout):
    """From a dry state; its jobs are those that Snakemake would submit to a Slurm."""
    planned = snakemake(checkout, "--cores", "1", "plan")
    jobs = {}
    for kind, count in re.findall(r"^(\w+) [\w ./-]+? +(\d+) +0 ", planned, re.M):
        jobs[kind] = jobs.get(kind, 0) + int(count)
    output = snakemake(checkout, "--profile", "slurm", "all", "-n")
    counts = {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", output, re.M)}
    assert jobs == {
        "decode": counts["prepare_audio"],
        "fetch": counts["fetch_checkpoint"],
        "train": counts["finetune"],
        "score": sum(n for rule, n in counts.items() if rule.startswith("score_")),
        "measure": counts["measure_drift"] + counts["measure_uncertainty"],
        "together": sum(jobs.values()) // 2,
    }


@pytest.fixture
def grid_engine(tmp_path):
    """A checkout with a corpus of two sounds, and a Grid Engine."""
    folder = copy_checkout(tmp_path / "checkout")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("qsub", QSUB), ("qstat", QSTAT), ("qacct", QACCT), ("qdel", QACCT)):
        (programs / name).write_text(text.format(folder=tmp_path))
        (programs / name).chmod(0o755)
    for label in ("real", "fake"):
        (tmp_path / label).mkdir()
        noise = 0.1 * np.random.default_rng(0).standard_normal(16_000)
        soundfile.write(tmp_path / label / f"{label}.wav", noise, 16_000)
    (folder / "own.yaml").write_text(OWN.format(folder=tmp_path))

    def run(*, ok=True):
        return snakemake(
            folder,
            *("--profile", "profiles/grid_engine", "--configfile", "own.yaml"),
            *("--latency-wait", "5", "--seconds-between-status-checks", "1", "--retries", "0"),
            *("--", "results/paper/audio/mine.csv"),
            PATH=f"{programs}:{os.environ['PATH']}",
            SDD_GROUP="tga-mine",
            ok=ok,
        )

    return folder, run


def test_a_job_through_grid_engine(grid_engine, tmp_path):
    folder, run = grid_engine
    run()
    assert (folder / "results/paper/audio/mine.csv").exists()
    (submitted,) = (tmp_path / "submitted").read_text().splitlines()
    assert "-g tga-mine" in submitted
    assert "-l cpu_8=1 -l h_rt=0:1440:0 -l s_rt=0:1430:0" in submitted
    assert "-N sdd_prepare_audio" in submitted


def test_a_job_that_fails_on_grid_engine_is_named(grid_engine, tmp_path):
    _, run = grid_engine
    (tmp_path / "fake/fake.wav").write_bytes(b"RIFF, but no more")
    output = run(ok=False)
    assert "Error in rule prepare_audio" in output
    assert "results/paper/logs/prepare_audio/mine.log" in output


def test_a_gpu_job_asks_for_a_node_with_one(grid_engine, tmp_path):
    folder, _ = grid_engine
    script = tmp_path / "job.sh"
    script.write_text("true\n")
    environment = {**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    subprocess.run(
        ["bash", "profiles/grid_engine/submit.sh", "finetune", "1", "8", "64000", "90", script],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
    )
    assert "-l gpu_1=1 -l h_rt=0:90:0 -l s_rt=0:80:0" in (tmp_path / "submitted").read_text()


def test_the_job_script_lives_through_grid_engines_warning(tmp_path):
    """SIGUSR1 to the whole group of a job: the shell lives, and so does what listens to it."""
    template = Path(__file__).parents[2] / "profiles/grid_engine/jobscript.sh"
    listener = (
        "import os, signal, sys; signal.signal(signal.SIGUSR1, lambda *_: sys.exit(0)); "
        "os.killpg(0, signal.SIGUSR1); signal.pause()"
    )
    job = f"{sys.executable} -c '{listener}' && echo saved && exit 75"
    script = tmp_path / "job.sh"
    script.write_text(template.read_text().format(properties="{}", exec_job=job))
    done = subprocess.run(
        ["sh", script], start_new_session=True, capture_output=True, text=True, check=False
    )
    assert done.returncode == 75
    assert done.stdout == "saved\n"
