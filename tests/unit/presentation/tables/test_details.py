"""What stands in the cells of Table 1 beside the mean, at once and on demand."""

import pytest

from sdd.presentation.tables.comparison_arrangement import arrange_comparisons
from sdd.presentation.tables.details import arrange_measured
from sdd.presentation.tables.measure_arrangement import MEASURES, arrange_measure
from sdd.presentation.tables.render_html import table_fragment
from sdd.presentation.tables.render_latex import write_latex
from tests.helpers.html_pages import TableReader
from tests.unit.analysis.test_table1_differences import PAPER

ROWS = [("xlsr_2b", "post", "none"), ("xlsr_2b", "post", "sft"), ("xlsr_2b", "pre", "sft")]
CONTENTS = {
    "rows": ROWS,
    "in_domain": ["dfe24_4s"],
    "out_of_domain": ["itw", "dv"],
    "labels": {"itw": "In-the-Wild"},
    "group_titles": ("In", "Out"),
}


def cells():
    for row in ROWS:
        for number in (1,) if row[2] == "none" else (1, 2):
            for place, name in enumerate(("dfe24_4s", "itw", "dv")):
                yield {
                    **dict(zip(("model", "init", "algorithm"), row, strict=True)),
                    "round": number,
                    "test_set": name,
                    "eer_percent": str(10.0 * place + number),
                    "pooled_eer_percent": "12.5",
                    "min_dcf": "0.25",
                    "act_dcf": str(0.5 * number),
                    "far_at_validation_percent": "nan",
                    "frr_at_validation_percent": "nan",
                }


def interval(row, test_set, low, high, **more):
    identity = dict(zip(("model", "init", "algorithm"), row, strict=True))
    return {**identity, "test_set": test_set, "low": low, "high": high, **more}


@pytest.fixture
def arranged():
    intervals = [
        interval(ROWS[1], "itw", "8.5", "14.25", sources="54"),
        interval(ROWS[1], "dv", "nan", "nan", clusters="8", drawn="voices", note="fewer than 10"),
        interval(ROWS[2], "dv", "nan", "nan", clusters="8", drawn="voices", note="fewer than 10"),
        interval(
            ROWS[2], "itw", "1", "2", clusters="9", drawn="speakers", note="few; one training"
        ),
        interval(ROWS[2], "out_of_domain_avg", "1", "2", clusters="8", drawn="voices, speakers"),
        interval(("other", "post", "sft"), "itw", "1", "2", sources="3"),
    ]
    return arrange_measured(list(cells()), intervals, PAPER, CONTENTS)


def test_spread_stands_below_the_mean_and_above_the_papers_value(arranged):
    none, sft, _ = arranged.rows
    assert [column.key for column in arranged.columns][:3] == ["dfe24_4s", "in_domain_avg", "itw"]
    # Rounds 11 and 12.
    assert (sft.cells[2].text, sft.cells[2].below) == ("11.50", ("±0.71", "6.35"))
    assert none.cells[2].below == ("1.24",)
    assert arranged.small_lines == 2
    assert "±: standard deviation over rounds." in arranged.legend
    assert "Small type without ±: the value that the paper prints." in arranged.legend


def test_intervals_sources_and_pooled_rates_are_there_on_demand(arranged):
    none, sft, pre = arranged.rows
    assert sft.cells[2].more == ("[8.50, 14.25]", "54 sources")
    # What restricts an interval is said once, above the table.
    assert sft.cells[3].more == pre.cells[3].more == ("no interval", "8 voices (1)")
    assert pre.cells[2].more == ("[1.00, 2.00]", "9 speakers (2, 3)")
    assert arranged.on_demand[1].endswith(" (1) fewer than 10. (2) few. (3) one training.")
    assert pre.cells[4].more == ("[1.00, 2.00]", "8 or more", "pooled 12.50")
    assert sft.cells[4].more == ("pooled 12.50",)
    assert none.cells[2].more == ()


def test_a_page_hides_them_until_asked_without_a_script(arranged):
    text = table_fragment(arranged)
    page = TableReader(text)
    assert "script" not in page.tags
    assert 'onclick="' not in text
    # The switch must stand right before the table: the style sheet says so.
    assert "</details>\n<table" in text
    assert '<small class="more">54 sources</small>' in text
    assert "Show intervals and sources in each cell" in page.text
    bare = [{k: v for k, v in cell.items() if k != "pooled_eer_percent"} for cell in cells()]
    without = table_fragment(arrange_measured(bare, [], PAPER, CONTENTS))
    assert "<details" not in without


def test_latex_has_the_spread_beside_the_mean(arranged, tmp_path):
    write_latex(arranged, tmp_path / "t.tex", title="T")
    text = (tmp_path / "t.tex").read_text()
    assert r"11.50\,{\tiny $\pm$0.71}" in text
    assert "6.35" not in text
    assert "sources" not in text.split("END TABLE")[0]


def comparison(a, b, test_set, difference, low, high, p="0.5"):
    sides = {
        f"{key}_{side}": value
        for side, row in (("a", a), ("b", b))
        for key, value in zip(("model", "init", "algorithm"), row, strict=True)
    }
    found = {"difference": difference, "low": low, "high": high, "p_holm": p}
    return {**sides, "test_set": test_set, **{key: str(value) for key, value in found.items()}}


def test_pairs_of_rows_are_compared_set_by_set():
    none, sft, pre = ROWS
    rows = [
        comparison(pre, sft, "itw", 5, 1, 9, 0.012),
        comparison(sft, none, "itw", -2, -5, 1),
        comparison(sft, none, "dv", -0.001, -1, 1, "nan"),
    ]
    arranged = arrange_comparisons(rows, CONTENTS)
    # Post-trained before pre-trained, as in Table 1; rows by their numbers there.
    assert [(row.number, row.algorithm) for row in arranged.rows] == [
        ("2 − 1", "SFT − ×"),
        ("3 − 2", "SFT (pre) − SFT (post)"),
    ]
    first, second = arranged.rows
    assert (first.cells[2].text, first.cells[2].below) == ("−2.00", ("[−5.00, +1.00]",))
    assert first.cells[2].colour == (1, 1, 1)
    assert (first.cells[3].text, first.cells[3].more) == ("0.00", ())
    assert first.cells[0].missing
    red, _, blue = second.cells[2].colour
    assert red > blue
    assert second.cells[2].more == ("p = 0.012",)


def test_measures_are_means_over_rounds():
    costs = next(measure for measure in MEASURES if measure.upper == "min_dcf")
    arranged = arrange_measure(costs, list(cells()), CONTENTS)
    assert [(c.text, c.small) for c in arranged.rows[1].cells[:2]] == [("0.25", "0.75")] * 2
    moved = next(measure for measure in MEASURES if "validation" in measure.upper)
    assert arrange_measure(moved, list(cells()), CONTENTS) is None
