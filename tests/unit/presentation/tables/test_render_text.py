"""Table 1 as text of 80 columns, letter by letter."""

import pytest

from sdd.analysis.table1 import assemble_table, identities, read_table
from sdd.presentation.tables.render_text import text_table, write_text
from tests.helpers.paths import RESOURCES


def interval_of(identity, test_set, low, high):
    names = dict(zip(("model", "init", "algorithm"), identity, strict=True))
    return {**names, "test_set": test_set, "low": low, "high": high}


@pytest.fixture
def table():
    rows = {
        ("tiny", "post", "none"): {"a": 40.0, "b": 20.0, "c": 7.0},
        ("tiny", "pre", "grpo_s"): {"a": 0.0, "b": 1.0},
    }
    cells = [(*row, 1, name, eer) for row, sets in rows.items() for name, eer in sets.items()]
    return assemble_table(cells, list(rows), ["a", "b"], ["c"])


def test_averages_stand_beside_their_intervals(table):
    intervals = [
        interval_of(("tiny", "post", "none"), "in_domain_avg", "25.5", "34.25"),
        interval_of(("tiny", "post", "none"), "out_of_domain_avg", "", ""),
        interval_of(("tiny", "post", "none"), "a", "1.0", "2.0"),
    ]
    lines = text_table(table, intervals, title="Toy [title]", notes=["A note."]).splitlines()
    assert lines[0] == "Toy [title]"
    assert lines[-1] == "A note."
    one, two = (line.split() for line in lines if line[:1] in ("1", "2"))
    assert one == ["1", "tiny", "post", "×", "30.00", "[25.50,", "34.25]", "7.00"]
    # The model is that of the row above; what was not measured is a dash.
    assert two == ["2", "pre", "GRPO_s", "0.50", "–"]


def test_a_domain_without_sets_is_left_out():
    cells = [("tiny", "post", "sft", 1, "a", 12.0)]
    table = assemble_table(cells, [("tiny", "post", "sft")], ["a"], [])
    assert "Out-of-" not in text_table(table, [], title="")


def test_the_paper_s_table_has_a_line_a_row_of_80_columns(tmp_path):
    paper = read_table(RESOURCES / "table1.csv")
    intervals = [
        interval_of(identity, name, "12.345", "100.0")
        for identity in identities(paper)
        for name in ("in_domain_avg", "out_of_domain_avg")
    ]
    write_text(paper, intervals, tmp_path / "table1.txt", title="Paper", notes=["word " * 40])
    lines = (tmp_path / "table1.txt").read_text(encoding="utf-8").splitlines()
    assert max(map(len, lines)) <= 80
    assert len([line for line in lines if line[:1].isdigit()]) == 20
    (ninth,) = (line for line in lines if line.startswith("9 "))
    assert ninth.split("post ")[1].startswith("GRPO w/o neg. ")


def test_a_long_name_is_folded_and_never_lost(table):
    labels = {"tiny": "A detector with quite a long name", "grpo_s": "x" * 40}
    text = text_table(table, [], title="", labels=labels)
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("x") >= 40
    assert "30.00" in text
