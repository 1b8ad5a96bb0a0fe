"""The workflow run from a working folder that is not the checkout, on recordings of one's own."""

import pytest
import yaml

from tests.helpers.releases import write_audio
from tests.helpers.snakemake_runs import job_counts, snakemake

# The second example of docs/own-corpus.md.
OWN = {
    "name": "calls",
    "corpora": {"calls": {"reader": "folders", "real": "$ROOT/real", "fake": "$ROOT/fake"}},
    "sets": {"calls": {"corpus": "calls", "title": "Calls"}},
    "in_domain": {"title": "My recordings", "sets": ["calls"]},
    "out_of_domain": {"title": "None", "sets": []},
    "rows": [{"model": "mms_300m", "init": "post", "algorithm": "none"}],
    "drift": {"panels": {"a": [], "b": []}},
}


@pytest.fixture
def elsewhere(tmp_path):
    """A folder with a config and recordings, and the first half of a command."""
    folder = tmp_path / "else where"
    for label in ("real", "fake"):
        write_audio(folder / f"recordings/{label}/a.wav", 0.2)
    write_audio(folder / "recordings/real/.Trash-1000/old.wav", 0.2)
    (folder / "mine.yaml").write_text(yaml.safe_dump({**OWN, "data_root": "recordings"}))
    return folder


def test_the_same_jobs_as_in_the_checkout(checkout, elsewhere):
    config = ["--configfile", str(elsewhere / "mine.yaml"), "--cores", "1", "--dry-run"]
    there = job_counts(snakemake(checkout, *config, "--", "all"))
    assert there["write_protocol"] == there["score_calls"] == 1
    assert sum(there.values()) == 8 + 1  # and the target itself
    assert "judge_claims" not in there  # which compares rows of a model: here is one
    snakefile = ["--snakefile", str(checkout / "Snakefile")]
    assert job_counts(snakemake(elsewhere, *snakefile, *config, "--", "all")) == there
    directory = ["--directory", str(elsewhere)]
    assert job_counts(snakemake(checkout, *directory, *config, "--", "all")) == there


def test_corpora_are_checked_that_jobs_read_and_no_others(checkout, elsewhere):
    arguments = ["--snakefile", str(checkout / "Snakefile"), "--cores", "1"]
    arguments += ["--configfile", "mine.yaml"]
    printed = snakemake(
        elsewhere, *arguments, "--", "check_corpora", MPLBACKEND="module://no_such.backend"
    )
    assert "All 1 corpora can be used" in printed
    table = (elsewhere / "results/calls/inventory/corpora.csv").read_text()
    assert '"calls","left_out","note","recordings/real","1 hidden' in table
    assert not (checkout / "results/calls").exists()


def test_a_config_of_the_working_folder_is_laid_over_the_papers(checkout, elsewhere):
    (elsewhere / "config.yaml").write_text((elsewhere / "mine.yaml").read_text())
    arguments = ["--snakefile", str(checkout / "Snakefile"), "--cores", "1", "--dry-run"]
    jobs = job_counts(snakemake(elsewhere, *arguments, "--", "all"))
    assert jobs["write_protocol"] == jobs["score_calls"] == 1
    (elsewhere / "config.yaml").write_text("rounds: three\n")
    printed = snakemake(elsewhere, *arguments, "--", "all", ok=False)
    assert " + config.yaml: rounds: 'three' has the wrong type" in printed
