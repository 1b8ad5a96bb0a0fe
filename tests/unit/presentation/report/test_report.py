"""The report: facts as they are, nothing loaded, and figures inside the page."""

import base64
import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from sdd.presentation.report.page import facts_fragment, figure_fragment, write_page
from sdd.presentation.report.provenance import (
    FactTable,
    commit_of,
    digests,
    run_times,
    seeds,
    switches,
    versions,
)
from sdd.runtime.csv_rows import write_rows
from tests.helpers.made_up_results import write_made_up_report
from tests.helpers.paths import CHECKOUT

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
)


def test_switches_that_differ_come_first():
    recipes = {
        "as_written": {"padding": "masked", "advantage": "group", "crop": {"longest": 15.0}},
        "as_released": {"padding": "pooled", "advantage": "group", "crop": {"longest": 13.0}},
    }
    facts = switches(recipes, "as_released")
    assert facts.columns == ("switch", "as released", "as written")
    assert facts.rows == (
        ("padding", "pooled", "masked"),
        ("crop", "longest 13.0", "longest 15.0"),
        ("advantage", "group", "group"),
    )
    assert "first 2 switches differ" in facts.remark


def test_digests_are_of_the_files(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"protocol")
    facts = digests([("a", tmp_path / "a.csv", "data"), ("b", tmp_path / "b.ckpt", "Zenodo")])
    expected = hashlib.sha256(b"protocol").hexdigest()[:16]
    assert facts.rows == (("a", expected, "0.00", "data"), ("b", "deleted", "", "Zenodo"))


def test_run_times_add_up(tmp_path):
    cells = []
    for number, device in ((1, "cuda:0, NVIDIA H100"), (2, "cuda:0, NVIDIA H100")):
        cell = tmp_path / f"as_written/m/post/grpo/round{number}"
        (cell / "logs").mkdir(parents=True)
        write_rows(cell / "history.csv", [{"step": s, "wall_time": 1800 * s} for s in (1, 2)])
        (cell / "logs/finetune.log").write_text(f"2026 INFO device: {device}\n2026 INFO step 1\n")
        (cell / "run_times").mkdir()
        (cell / "run_times/score_toy.tsv").write_text("s\th:m:s\n360.0\t0:06:00\n")
        cells.append(f"m/post/grpo/round{number}")
    (tmp_path / "as_written/m/post/none/round1").mkdir(parents=True)
    facts = run_times(tmp_path, "as_written", [*cells, "m/post/none/round1"])
    assert facts.rows == (
        ("m / post / grpo", "cuda:0, NVIDIA H100", "2", "4", "2.000", "0.200"),
        ("m / post / none", "–", "1", "0", "0.000", "0.000"),
        ("together", "", "", "", "2.000", "0.200"),
    )
    assert "2.000 GPU hours" in facts.remark


def test_cpu_hours_are_no_gpu_hours(tmp_path):
    cell = tmp_path / "as_written/m/post/sft/round1"
    write_rows(cell / "history.csv", [{"step": 1, "wall_time": 7200}])
    (cell / "logs").mkdir()
    (cell / "logs/finetune.log").write_text("2026 INFO device: cpu\n")
    facts = run_times(tmp_path, "as_written", ["m/post/sft/round1"])
    assert facts.rows[0][1] == "cpu"
    assert facts.remark.startswith("Times of runs that were cut off")
    assert "GPU" not in facts.remark


def test_subscripts_are_shown_as_such_in_tables_of_facts():
    fragment = facts_fragment(FactTable("F", ("row", "GRPO_{s}"), (("GRPO_{s} <", "1"),)))
    assert '<th scope="col">GRPO<sub>s</sub></th>' in fragment
    assert '<td data-column="row">GRPO<sub>s</sub> &lt;</td>' in fragment
    assert '<td data-column="GRPOs">1</td>' in fragment


@pytest.mark.skipif(not shutil.which("git"), reason="no git: apt-get install git")
def test_a_commit_with_changes_is_told_from_one_with_results_alone(tmp_path):
    def git(*arguments):
        who = ("-c", "user.name=n", "-c", "user.email=e")
        subprocess.run(["git", "-C", tmp_path, *who, *arguments], check=True, capture_output=True)

    git("init")
    git("commit", "--allow-empty", "-m", "first")
    clean = commit_of(tmp_path)
    assert re.fullmatch("[0-9a-f]{40}", clean)
    (tmp_path / "record").mkdir()
    (tmp_path / "record/record.yaml").touch()
    assert commit_of(tmp_path) == f"{clean}, with changes"
    assert commit_of(tmp_path, besides=tmp_path / "record") == clean
    (tmp_path / "code.py").touch()
    assert commit_of(tmp_path, besides=tmp_path / "record") == f"{clean}, with changes"


@pytest.mark.skipif(not shutil.which("git"), reason="no git: apt-get install git")
def test_a_record_outside_of_the_checkout_leaves_its_commit_known(tmp_path, monkeypatch):
    checkout, elsewhere = tmp_path / "checkout", tmp_path / "elsewhere"
    elsewhere.mkdir()
    who = ("-c", "user.name=n", "-c", "user.email=e")
    for words in (("init",), ("commit", "--allow-empty", "-m", "first")):
        checkout.mkdir(exist_ok=True)
        subprocess.run(["git", "-C", checkout, *who, *words], check=True, capture_output=True)
    clean = commit_of(checkout)
    assert re.fullmatch("[0-9a-f]{40}", clean)
    assert commit_of(checkout, besides=elsewhere / "record") == clean
    # A relative folder is that of the working directory, as Snakemake has it.
    (checkout / "record").mkdir()
    (checkout / "record/record.yaml").touch()
    monkeypatch.chdir(elsewhere)
    assert commit_of(checkout, besides=Path("record")) == f"{clean}, with changes"
    monkeypatch.chdir(checkout)
    assert commit_of(checkout, besides=Path("record")) == clean


def test_versions_and_seeds(tmp_path):
    known = dict(versions(tmp_path).rows)
    assert known["its commit"] == "not known"
    assert known["numpy"] == np.__version__
    assert len(dict(versions(CHECKOUT).rows)["its commit"]) >= 9
    assert seeds({1: 7, 2: 9}, {"toy": 3}).rows == (
        ("round 1", "7"),
        ("round 2", "9"),
        ("toy", "3"),
    )


def test_the_page_loads_nothing(tmp_path):
    for name in ("f.png", "f_narrow.png"):
        (tmp_path / name).write_bytes(PNG)
    figure = figure_fragment(tmp_path, "f", 'a "figure"', "Drift of GRPO_{s}")
    parts = [figure, facts_fragment(seeds({1: 7}, {}))]
    write_page(tmp_path / "r.html", "T & T", {"One": parts, "None": []}, first=["words"])
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "http" not in text.replace("http-equiv", "")
    assert "<script" not in text
    assert text.count("data:image/png;base64,") == 2
    assert 'href="#s1">One</a>' in text
    assert "None</h2>" not in text
    assert 'alt="a &quot;figure&quot;"' in text
    assert "<figcaption>Drift of GRPO<sub>s</sub></figcaption>" in text
    assert "--natural: 1px" in text


def test_the_answer_comes_first_then_the_table_the_claims_and_the_figures(tmp_path):
    text = write_made_up_report(tmp_path, rounds=3).read_text(encoding="utf-8")
    headings = re.findall(r"<h2>(.*?)</h2>|<caption>(.*?)</caption>", text)
    headings = [heading or caption for heading, caption in headings]
    assert headings[:5] == [
        "Does GRPO generalise better than SFT here?",
        "Test set EERs (%)",
        "The same cells elsewhere",
        "The paper&#x27;s claims",
        "Figures",
    ]
    assert len(headings) == len(set(headings))
    assert "Run times" in headings
    assert text.index(headings[0]) < text.index("<nav>")
    claims = text[text.index("The paper&#x27;s claims</h2>") : text.index("Figures</h2>")]
    # Folded: all claims that are undecided, and no other.
    folds = re.split(r'<details class="undecided">|(?=<h3>)', claims)
    assert len(folds) > 6
    for part in folds:
        chips = re.findall(r'</h4><span class="chip (\w+)">', part)
        if part.startswith("<summary>"):
            assert set(chips) == {"undecided"}
            assert part.startswith(f"<summary>{len(chips)} undecided claim")
        else:
            assert "undecided" not in chips
