"""What is gained and lost along runs, of score tables made by hand."""

import math

import numpy as np
import pytest

from sdd.analysis.trade_off import correlation_rows, measure_trade_off
from sdd.errors import InputError
from sdd.experiment import tree
from sdd.scoring.score_tables import write_scores
from tests.helpers.score_tables import segments, write_table

TABLE = segments(["real"] * 10 + ["fake"] * 10)
START = "m/post/none/round1"
RUN = "m/post/sft/round2"
SETTINGS = {
    "starts": [START],
    "runs": [
        {
            "cell": RUN,
            "learning_rate": 1e-3,
            "start": START,
            "steps": {5: f"trade_off/a/step5/{RUN}", 9: f"trade_off/a/step9/{RUN}"},
        }
    ],
    "in_domain": ["x", "y"],
    "out_of_domain": ["z"],
    "validation_set": "v",
    "score": "logit",
    "skip_suffixes": [],
}


def scores(wrong):
    """Logits by which so many trials of each class lie on the wrong side: an EER of wrong / 10."""
    real = np.r_[np.full(wrong, -2.0), np.full(10 - wrong, 2.0)] + np.linspace(0, 0.1, 10)
    logits = np.r_[real, -real]
    return np.stack([0 * logits, logits], axis=1).astype(np.float32)


@pytest.fixture
def results(tmp_path):
    wrong = {
        START: {"x": 4, "y": 2, "z": 1},
        f"trade_off/a/step5/{RUN}": {"x": 3, "y": 2, "z": 2},
        f"trade_off/a/step9/{RUN}": {"x": 1, "y": 1, "z": 4},
    }
    for number, (cell, sets) in enumerate(wrong.items()):
        for name, count in sets.items():
            write(tmp_path, cell, name, scores(count))
        # p of REAL is 1/2 at the start, then 3/4, then 9/10.
        odds = np.log([1, 3, 9][number])
        write(tmp_path, cell, "v", np.tile(np.array([[0, odds]], np.float32), (20, 1)))
    for name in "xyzv":
        write_table(TABLE, tree.path(tree.SEGMENTS, tmp_path, set=name))
    return tmp_path


def write(results, cell, name, logits):
    path = tree.path(tree.SCORES, results, recipe="r", cell=cell, set=name)
    write_scores(path, TABLE, logits)


def measured(results, **changes):
    tables = {name: tree.path(tree.SEGMENTS, results, set=name) for name in "xyzv"}
    return measure_trade_off(results, "r", tables, {**SETTINGS, **changes})


def test_by_hand(results):
    start, early, late = measured(results)
    identity = {"model": "m", "init": "post", "algorithm": "sft", "round": 2, "learning_rate": 1e-3}
    for row, step in ((start, 0), (early, 5), (late, 9)):
        assert row.items() >= {**identity, "step": step}.items()
    assert [row["in_domain_avg"] for row in (start, early, late)] == pytest.approx([30, 25, 10])
    assert [row["out_of_domain_avg"] for row in (start, early, late)] == pytest.approx([10, 20, 40])
    assert [row["in_domain_change"] for row in (start, early, late)] == pytest.approx([0, -5, -20])
    assert [row["out_of_domain_change"] for row in (start, early, late)] == pytest.approx(
        [0, 10, 30]
    )
    # KL((1/4, 3/4) || (1/2, 1/2)) = 1/4 ln(1/2) + 3/4 ln(3/2), and so on.
    first = math.log(1 / 2) / 4 + 3 * math.log(3 / 2) / 4
    second = math.log(1 / 5) / 10 + 9 * math.log(9 / 5) / 10
    assert [row["kl"] for row in (start, early, late)] == pytest.approx([0, first, second])
    assert [late[name] for name in "xyz"] == pytest.approx([10, 10, 40])


def test_a_domain_without_sets_is_not_known(results):
    rows = measured(results, out_of_domain=[])
    assert all(math.isnan(row["out_of_domain_avg"]) for row in rows)
    assert rows[2]["in_domain_change"] == pytest.approx(-20)
    (row,) = (r for r in correlation_rows(rows) if r["y"] == "out_of_domain_change" and
              r["x"] == "kl")  # fmt: skip
    assert math.isnan(row["spearman"])


def test_scores_of_other_segments_are_refused(results):
    write_table(segments(["real"] * 11 + ["fake"] * 9), tree.path(tree.SEGMENTS, results, set="v"))
    with pytest.raises(InputError, match=r"v\.parquet: segment 's10' is fake"):
        measured(results)


def test_without_runs_there_is_nothing_to_measure(results):
    with pytest.raises(InputError, match="no `trade_off`"):
        measured(results, runs=[])


def points(algorithms=("sft", "grpo"), rounds=3):
    """Changes that rise with KL, and SFT's by twice as much."""
    return [
        {
            "algorithm": algorithm,
            "learning_rate": rate,
            "round": number,
            "step": step,
            "kl": step * rate * (1 + number / 10),
            "in_domain_change": -step * (1 if algorithm == "sft" else 2) * rate,
            "out_of_domain_change": step * rate * (2 if algorithm == "sft" else 1),
        }
        for algorithm in algorithms
        for rate in (1.0, 4.0)
        for number in range(1, rounds + 1)
        for step in (0, 5, 9)
    ]


def test_correlations_are_of_steps_of_all_runs_and_of_each_algorithm():
    rows = correlation_rows(points())
    assert [(row["x"], row["y"], row["algorithms"]) for row in rows[:3]] == [
        ("kl", "out_of_domain_change", name) for name in ("all", "sft", "grpo")
    ]
    assert [(row["points"], row["runs"]) for row in rows[:3]] == [(24, 12), (12, 6), (12, 6)]
    assert len(rows) == 9
    for row in rows:
        sign = -1 if row["y"] == "in_domain_change" or row["x"] == "in_domain_change" else 1
        for name in ("spearman", "kendall"):
            assert sign * row[name] > 0.25
            assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]
    # Within an algorithm the order is nearly that of KL; between them it is not.
    assert rows[1]["spearman"] > rows[0]["spearman"]


def test_few_runs_have_no_interval_and_one_algorithm_no_parts():
    rows = correlation_rows(points(("sft",), rounds=1))
    assert [row["algorithms"] for row in rows] == ["all"] * 3
    assert rows[0]["runs"] == 2
    assert math.isnan(rows[0]["kendall_low"])
    assert rows[0]["note"] == "fewer than 4 runs give no interval"
    assert rows[0]["kendall"] == pytest.approx(1)
