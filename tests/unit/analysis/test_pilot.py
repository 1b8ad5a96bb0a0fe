"""The parts of a pilot put together, and its samples beside the paper."""

import csv
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sdd.analysis.pilot import (
    INSIDE,
    NO_INTERVAL,
    NOT_IN_PAPER,
    OUTSIDE,
    paper_none,
    pilot_rows,
    verdict,
)
from sdd.data.segments import COLUMNS, write_segments
from sdd.experiment import tree
from sdd.experiment.pilot import PILOT_COLUMNS
from sdd.runtime.csv_rows import write_rows
from sdd.scoring.score_tables import write_score_columns
from tests.helpers.paths import CHECKOUT

PAPER = CHECKOUT / "resources/table1.csv"


@pytest.mark.parametrize(
    ("low", "high", "paper", "expected"),
    [
        (20.0, 30.0, 27.73, INSIDE),
        (27.73, 30.0, 27.73, INSIDE),
        (28.0, 30.0, 27.73, OUTSIDE),
        (45.0, 55.0, 1.24, OUTSIDE),
        (0.0, 1.0, 1.24, OUTSIDE),
        (math.nan, math.nan, 2.23, NO_INTERVAL),
        (20.0, 30.0, math.nan, NOT_IN_PAPER),
        (math.nan, math.nan, math.nan, NOT_IN_PAPER),
    ],
)
def test_where_the_paper_lies(low, high, paper, expected):
    assert verdict(low, high, paper) == expected


def test_the_papers_rows_of_detectors_as_they_are():
    """Rows 1, 13 and 17, read from the file itself."""
    found = paper_none(PAPER)
    with PAPER.open(newline="") as file:
        rows = {row["row"]: row for row in csv.DictReader(file)}
    for number in ("1", "13", "17"):
        row = rows[number]
        assert found[row["model"], "itw"] == float(row["itw"])
    assert found["xlsr_2b", "dfe24_4s"] == 27.73
    assert len({model for model, _ in found}) == 3


SETTINGS = {
    "scores": {"as_written": "logit", "as_released": "probability"},
    "models": ["mms_1b", "xlsr_2b"],
    "objectives": ["sft", "grpo"],
    "corpora": {"itw": "itw", "mine": "mine"},
    "clusters": {"itw": "auto", "mine": "auto"},
    "seed": 1,
}


def make_set(results, name, *, speakers, wrong):
    """200 segments of speakers who say five real and five fake things each, or fewer speakers."""
    count = 200
    real = [number % 2 == 0 for number in range(count)]
    labels = ["real" if is_real else "fake" for is_real in real]
    table = {column: [f"{name}-{number}" for number in range(count)] for column in COLUMNS}
    table |= {
        "label": labels,
        "speaker": [str(number // 2 % speakers) for number in range(count)],
        "start": [0] * count,
        "end": [16_000] * count,
    }
    write_segments(pd.DataFrame(table), tree.path(tree.SEGMENTS, results, set=name))
    # Of the first half alone: a sample.
    generator = np.random.default_rng(4)
    chosen = range(count // 2, count)
    scores = np.array([float(real[number]) for number in chosen])
    scores[generator.permutation(len(scores))[:wrong]] = 0.5
    scores += 0.01 * generator.standard_normal(len(scores))
    logits = np.stack([np.zeros(len(scores)), scores], axis=1).astype(np.float32)
    path = tree.path(tree.PILOT_SCORES, results, recipe="as_written", model="xlsr_2b", set=name)
    ids = [table["segment_id"][number] for number in chosen]
    write_score_columns(path, ids, [labels[number] for number in chosen], logits)


@pytest.fixture
def results(tmp_path):
    machine = {"device": "cuda", "device_name": "NVIDIA H100", "passes": 5, "speed": 250.0}
    for recipe, objective in (("as_written", "grpo"), ("as_released", "sft")):
        path = tree.path(
            tree.PILOT_TRAINING, tmp_path, recipe=recipe, model="xlsr_2b", objective=objective
        )
        write_rows(path, [{"work": "training", "recipe": recipe, "name": objective, **machine}])
    make_set(tmp_path, "itw", speakers=20, wrong=40)
    make_set(tmp_path, "mine", speakers=4, wrong=0)
    scored = [{"work": "scoring", "name": name, **machine} for name in ("itw", "mine", "gone")]
    path = tree.path(tree.PILOT_SCORING, tmp_path, recipe="as_written", model="xlsr_2b")
    write_rows(path, scored)
    return tmp_path


def test_all_parts_are_put_together_and_the_samples_measured(results):
    rows = pilot_rows(results, PAPER, SETTINGS)
    assert all(list(row) == list(PILOT_COLUMNS) for row in rows)
    assert [(row["work"], row["name"]) for row in rows] == [
        ("training", "grpo"),
        ("scoring", "itw"),
        ("scoring", "mine"),
        ("training", "sft"),  # of the other recipe; a set that is gone is left out
    ]
    itw, mine = rows[1], rows[2]
    assert (itw["speed"], itw["clusters"], itw["drawn"]) == ("250.0", 20, "speakers")
    assert 1.24 < itw["low"] < itw["eer_percent"] < itw["high"] < 50
    assert itw["paper_percent"] == 1.24
    assert itw["verdict"] == OUTSIDE
    assert rows[0]["verdict"] == rows[0]["eer_percent"] == ""
    # Four speakers give no interval; the paper has no such set.
    assert mine["verdict"] == NOT_IN_PAPER
    assert math.isnan(mine["low"])


def test_nothing_piloted_is_no_row(tmp_path):
    assert pilot_rows(Path(tmp_path), PAPER, SETTINGS) == []
