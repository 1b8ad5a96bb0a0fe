"""Figures of the trade-off: the right numbers, also for one rate, one round and no movement."""

import pandas as pd
import pytest

from sdd.analysis.trade_off import correlation_rows
from sdd.presentation.figures.trade_off import (
    draw_trade_off,
    plot_change_against_kl,
    plot_trade_off,
)
from sdd.presentation.report.trade_off import (
    FIGURES,
    correlation_table,
    trade_off_section,
    tuned_section,
    tuned_table,
)
from sdd.runtime.csv_rows import read_rows, write_rows

WORDS = {"labels": {"sft": "Supervised"}, "domains": ["Inside", "Outside"], "title": "A trade"}


def points(rates=(1e-3, 1e-2), rounds=2, still=()):
    """Rows whose in-domain EER falls, and whose other EER rises, by the step."""
    return [
        {
            "model": "m",
            "init": "post",
            "algorithm": algorithm,
            "round": number,
            "learning_rate": rate,
            "step": step,
            "in_domain_avg": 30 - step - number,
            "out_of_domain_avg": 10 + 2 * step * (1 + (algorithm == "sft")) + number,
            "in_domain_change": -step,
            "out_of_domain_change": 2 * step * (1 + (algorithm == "sft")),
            "kl": 0.0 if step in (0, *still) else step * rate,
        }
        for algorithm in ("sft", "grpo")
        for rate in rates
        for number in range(1, rounds + 1)
        for step in (0, 1, 4)
    ]


def drawn_at(axes, x, y):
    return [
        line
        for line in axes.get_lines()
        if [(float(a), float(b)) for a, b in zip(line.get_xdata(), line.get_ydata(), strict=True)]
        == list(zip(x, y, strict=True))
    ]


def test_paths_are_means_over_rounds_by_rate():
    figure = plot_trade_off(pd.DataFrame(points()), **WORDS)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "learning rate 0.001",
        "learning rate 0.01",
    ]
    for axes in figure.axes:
        # Rounds 1 and 2: means of 29 and 28, of 11 and 12.
        assert len(drawn_at(axes, [28.5, 27.5, 24.5], [11.5, 15.5, 27.5])) == 1
        assert len(drawn_at(axes, [28.5, 27.5, 24.5], [11.5, 13.5, 19.5])) == 1
        assert axes.get_xlabel() == "Inside: EER (%)"
        sizes = [drawn_at(axes, [x], [y])[0].get_markersize() for x, y in
                 ((27.5, 15.5), (24.5, 27.5))]  # fmt: skip
        assert sizes[0] < sizes[1]
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()


@pytest.mark.parametrize(
    ("rounds", "words"),
    [(1, "Lines: one round, from the start"), (2, "Lines: means over rounds, from the start")],
)
def test_caption_speaks_of_dots_where_there_are_some(rounds, words):
    figure = plot_trade_off(pd.DataFrame(points(rounds=rounds)), **WORDS)
    caption = figure.texts[-1].get_text().replace("\n", " ")
    assert caption.startswith(words)
    assert ("small dots: single rounds" in caption) == (rounds > 1)


def test_changes_are_drawn_over_the_divergence_of_every_run():
    data = points()
    figure = plot_change_against_kl(pd.DataFrame(data), correlation_rows(data), **WORDS)
    outside, inside = figure.axes
    assert outside.get_title(loc="left") == "Outside"
    assert len(drawn_at(outside, [1e-3, 4e-3], [4, 16])) == 4  # two rounds, line and markers
    assert len(drawn_at(inside, [1e-2, 4e-2], [-1, -4])) == 8  # and both algorithms
    assert outside.get_xscale() == "log"
    words = figure.texts[-1].get_text().replace("\n", " ")
    (row,) = (r for r in correlation_rows(data) if (r["algorithms"], r["x"], r["y"]) ==
              ("all", "kl", "out_of_domain_change"))  # fmt: skip
    assert f"Outside: Spearman {row['spearman']:.2f} [−{-row['spearman_low']:.2f}, " in words
    assert "8 runs" in words


@pytest.mark.parametrize(("still", "scale"), [((1,), "symlog"), ((1, 4), "linear")])
def test_weights_that_have_not_moved_are_shown_too(still, scale):
    data = points(still=still)
    figure = plot_change_against_kl(pd.DataFrame(data), correlation_rows(data), **WORDS)
    assert figure.axes[0].get_xscale() == scale


def test_files_and_section_are_made_of_one_rate_and_round(tmp_path):
    data = points(rates=(1e-3,), rounds=1)
    write_rows(tmp_path / "c.csv", correlation_rows(data))
    rows = read_rows(tmp_path / "c.csv")
    contents = {**WORDS, "notes": ["A remark."]}
    assert set(draw_trade_off(pd.DataFrame(data), rows, tmp_path, contents)) == set(FIGURES)
    for name in FIGURES:
        for ending in (".png", ".pdf", "_narrow.png"):
            assert (tmp_path / f"{name}{ending}").stat().st_size > 1000
    page = "".join(trade_off_section(tmp_path, tmp_path / "c.csv", contents))
    assert page.count("data:image/png;base64,") == 4
    assert "change, Outside" in page


def test_correlations_are_tabulated(tmp_path):
    write_rows(tmp_path / "c.csv", correlation_rows(points(rounds=3)))
    table = correlation_table(read_rows(tmp_path / "c.csv"), WORDS)
    assert len(table.rows) == 9
    first, second = table.rows[:2]
    assert first[:5] == ("KL from the start", "change, Outside", "all", "24", "12")
    assert second[2] == "Supervised"
    assert "[" in first[5]
    assert "[" in first[6]


def test_choices_are_tabulated(tmp_path):
    choice = {
        "chosen": {"learning_rate": 1e-05, "max_steps": 90},
        "value": 12.345678,
        "low": None,
        "high": None,
        "measured": "EER (%) on v",
        "remarks": ["one", "two"],
        "candidates": [{}, {}, {}],
    }
    sure = {**choice, "low": 10.0, "high": 14.5, "remarks": []}
    table = tuned_table({"m/post/sft": choice, "m/post/grpo_s": sure}, WORDS["labels"])
    chosen = "learning_rate 1e-05, max_steps 90"
    assert table.rows == (
        ("m post Supervised", chosen, "12.35", "3", "one; two"),
        ("m post GRPO_{s}", chosen, "12.35 [10.00, 14.50]", "3", "–"),
    )
    assert "EER (%) on v" in table.remark
    (tmp_path / "t.yaml").write_text("{}\n")
    assert "Chosen on the validation set" in tuned_section(tmp_path / "t.yaml", {})[0]
