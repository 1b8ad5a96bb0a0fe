"""What is chosen of histories, and what is said of the choice."""

import pytest
import yaml

from sdd.analysis.tuning import choose, read_yaml, write_yaml
from sdd.errors import InputError
from sdd.experiment.variants import with_choice
from sdd.runtime.csv_rows import write_rows

GRID = [
    {"learning_rate": rate, "max_steps": steps} for rate in (1e-6, 1e-5, 1e-4) for steps in (5, 9)
]


def history(path, validations, **others):
    """A history of steps 1 to 9, validated at some."""
    rows = [
        {
            "step": step,
            "validation_eer": validations.get(step, ""),
            "validation_der": others.get("der", {}).get(step, ""),
        }
        for step in range(1, 10)
    ]
    write_rows(path, rows)
    return path


def chosen(tmp_path, values, rounds=1, selection="eer"):
    """Choose of candidates whose lowest validations are these, one list a round."""
    runs = [
        ({"settings": settings, "round": number + 1}, value)
        for settings, of_rounds in zip(GRID, values, strict=True)
        for number, value in zip(range(rounds), of_rounds, strict=True)
    ]
    paths = [
        history(tmp_path / f"{number}.csv", {4: 0.5, 6: value, 9: value + 0.01})
        for number, (_, value) in enumerate(runs)
    ]
    return choose([run for run, _ in runs], paths, selection=selection, validation_set="asv19_dev")


def test_the_lowest_mean_over_rounds_is_chosen(tmp_path):
    values = [(0.3, 0.3), (0.2, 0.2), (0.1, 0.3), (0.05, 0.11), (0.01, 0.4), (0.3, 0.3)]
    choice = chosen(tmp_path, values, rounds=2)
    assert choice["chosen"] == {"learning_rate": 1e-5, "max_steps": 9}
    assert choice["value"] == pytest.approx(8.0)
    # t of one degree of freedom, 12.706, times the standard error: 3 percentage points.
    assert choice["low"] == 0.0
    assert choice["high"] == pytest.approx(8 + 12.7062 * 3, rel=1e-4)
    assert [row["value"] for row in choice["candidates"]] == pytest.approx(
        [30, 20, 20, 8, 20.5, 30]
    )
    assert choice["candidates"][3]["rounds"] == pytest.approx([5, 11])
    assert choice["candidates"][3]["best_steps"] == [6, 6]
    # In the middle of the rates, at the end of the lengths.
    edge, told = choice["remarks"]
    assert edge.startswith("max_steps: 9 is the highest of its grid")
    # Differences of 25 and 19 points: 22 -+ 12.7 * 3 has zero in it; so have all others.
    assert told.startswith("5 of the 5 other candidates are not told from it")
    assert "asv19_dev" in choice["measured"]


def test_candidates_that_are_worse_in_each_round_are_told(tmp_path):
    values = [(0.1, 0.2, 0.3), (0.15, 0.24, 0.36), (0.1, 0.3, 0.3)] + [(0.5, 0.6, 0.7)] * 3
    remarks = chosen(tmp_path, values, rounds=3)["remarks"]
    # 5, 4 and 6 points worse: 5 -+ 4.3 * 0.58; once worse and twice the same says nothing.
    assert remarks[-1].startswith("1 of the 5 other candidates are not told")


def test_edges_ties_and_single_rounds_are_said(tmp_path):
    choice = chosen(tmp_path, [(0.1,), (0.2,), (0.1,), (0.2,), (0.2,), (0.2,)])
    assert choice["chosen"] == GRID[0]
    assert choice["low"] is choice["high"] is None
    words = " ".join(choice["remarks"])
    assert "learning_rate: 1e-06 is the lowest" in words
    assert "2 candidates are equally good" in words
    assert "one round of each" in words


def test_a_grid_of_one_value_has_no_edges(tmp_path):
    path = history(tmp_path / "a.csv", {9: 0.1})
    run = {"settings": {"learning_rate": 1e-6}, "round": 1}
    choice = choose([run], [path], selection="eer", validation_set="v")
    assert choice["remarks"] == []


def test_recipes_that_select_otherwise_are_judged_otherwise(tmp_path):
    one = history(tmp_path / "a.csv", {5: 0.1, 9: 0.2}, der={5: 0.9, 9: 0.4})
    other = history(tmp_path / "b.csv", {5: 0.3}, der={5: 0.3})
    runs = [{"settings": {"rawboost": value}, "round": 1} for value in (0, 5)]
    by = {s: choose(runs, [one, other], selection=s, validation_set="v") for s in ("eer", "der")}
    assert by["eer"]["chosen"] == {"rawboost": 0}
    assert by["eer"]["value"] == pytest.approx(10)
    assert by["der"]["chosen"] == {"rawboost": 5}
    assert by["der"]["value"] == pytest.approx(0.3)
    assert by["der"]["candidates"][0]["best_steps"] == [9]


def test_a_history_without_validations_is_refused(tmp_path):
    path = history(tmp_path / "a.csv", {})
    with pytest.raises(InputError, match=r"a\.csv has no validation_eer"):
        choose([{"settings": {}, "round": 1}], [path], selection="eer", validation_set="v")


def test_a_choice_is_laid_over_settings(tmp_path):
    path = tmp_path / "choice.yaml"
    write_yaml(path, chosen(tmp_path, [(0.2,)] * 5 + [(0.1,)]), "a remark")
    assert path.read_text().startswith("# a remark\nchosen:\n  learning_rate: 0.0001\n")
    assert yaml.safe_load(path.read_text()) == read_yaml(path)
    settings = {"seed": 3, "recipe": {"rawboost": 5}}
    assert with_choice(settings, [path]) == {
        "seed": 3,
        "recipe": {"rawboost": 5, "learning_rate": 1e-4, "max_steps": 9},
    }
    assert with_choice(settings, []) == settings
    path.write_text("nothing\n")
    with pytest.raises(InputError, match=r"choice\.yaml says nothing under `chosen`"):
        with_choice(settings, [path])
    with pytest.raises(InputError, match="no mapping"):
        read_yaml(path)
