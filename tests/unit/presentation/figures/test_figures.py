"""The drift figure: the right numbers in the right places, in files that repeat."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from sdd.errors import InputError
from sdd.presentation.figures.figure2 import (
    ONE_COLUMN,
    TWO_COLUMNS,
    drift_caption,
    figure2_caption,
    plot_drift,
)
from sdd.presentation.figures.style import save_figure

TEST_SETS = ["dfe24_4s", "for", "mine"]
PANELS = {"Algorithms": ["none", "sft", "grpo"], "Ablation": ["none", "grpo", "grpo_s"]}


@pytest.fixture
def drifts():
    records = [("none", 1, name, 0.3) for name in TEST_SETS]
    for algorithm, level in (("sft", 0.1), ("grpo", 0.2), ("grpo_s", 0.4)):
        for number, shift in ((1, -0.01), (2, 0.0), (3, 0.01)):
            records += [(algorithm, number, name, level + shift) for name in TEST_SETS]
    return pd.DataFrame(records, columns=["algorithm", "round", "test_set", "drift"])


def profiles(axes):
    return {container.get_label(): container for container in axes.containers}


def test_profiles_are_means_with_bars_of_the_spread(drifts):
    drifts.loc[(drifts["algorithm"] == "sft") & (drifts["test_set"] == "for"), "drift"] += 0.5
    figure = plot_drift(drifts, PANELS, TEST_SETS)
    left, right = figure.axes
    assert list(profiles(left)) == ["Post-trained", "SFT", "GRPO"]
    assert list(profiles(right)) == ["Post-trained", "GRPO", r"GRPO$_{\mathrm{s}}$"]
    line, _, bars = profiles(left)["SFT"]
    assert line.get_ydata() == pytest.approx([0.1, 0.6, 0.1])
    half_lengths = [np.ptp(segment[:, 1]) / 2 for segment in bars[0].get_segments()]
    assert half_lengths == pytest.approx([0.01] * 3)
    assert not profiles(left)["Post-trained"].has_yerr
    assert [label.get_text() for label in left.get_xticklabels()] == ["4 s", "FoR", "mine"]
    assert [axes.get_legend().get_title().get_text() for axes in figure.axes] == [
        "(a) Algorithms",
        "(b) Ablation",
    ]


def test_one_round_has_bars_of_the_interval_and_a_line_at_the_floor(drifts):
    one = drifts[drifts["round"] == 1].assign(floor="0.05")
    one = one.assign(drift_low=one["drift"] - 0.02, drift_high=one["drift"] + 0.04)
    figure = plot_drift(one, PANELS, TEST_SETS)
    _, _, bars = profiles(figure.axes[0])["SFT"]
    ends = [sorted(segment[:, 1]) for segment in bars[0].get_segments()]
    assert np.array(ends) == pytest.approx(np.array([[0.07, 0.13]] * 3))
    for axes in figure.axes:
        assert any(np.allclose(line.get_ydata(), 0.05) for line in axes.get_lines())
    caption = drift_caption(one)
    assert "Corrected for what chance alone gives (dotted line)." in caption
    assert caption.endswith("One round; bars: 95 % interval.")
    # Of too few speakers: no interval, and no word of one.
    unknown = one.assign(drift_low=np.nan, drift_high=np.nan)
    assert drift_caption(unknown).endswith("(dotted line). One round.")


def test_names_of_domains_are_above_all_profiles(drifts):
    figure = plot_drift(drifts, PANELS, TEST_SETS, in_domain=["dfe24_4s"])
    for axes in figure.axes:
        low, high = axes.get_ylim()
        assert low == 0
        # The text hangs from 97.5 % of the height; bars end below 88 %.
        assert axes.dataLim.y1 <= 0.88 * high
        assert {text.get_va() for text in axes.texts} == {"top"}


def test_styles_are_the_papers_and_differ_without_colour(drifts):
    others = drifts[drifts["algorithm"] == "sft"]
    own = [others.assign(algorithm=f"own {i}") for i in range(4)]
    algorithms = ["none", "sft", "grpo", "grpo_s", "grpo_beta0", "grpo_beta1", "grpo_noneg",
                  "sft-grpo", "sft-grpo_s", "own 0", "own 1", "own 2", "own 3"]  # fmt: skip
    known = [others.assign(algorithm=name) for name in algorithms[4:9]]
    figure = plot_drift(pd.concat([drifts, *own, *known]), {"All": algorithms}, TEST_SETS)
    lines = [container[0] for container in figure.axes[0].containers]
    looks = {(str(line._dash_pattern), line.get_marker()) for line in lines}
    assert len(looks) == len(algorithms)
    assert len({line.get_marker() for line in lines}) == len(algorithms)
    post_trained, sft = lines[:2]
    assert post_trained.get_linewidth() > 2 * sft.get_linewidth()
    assert (post_trained.get_color(), post_trained.get_linestyle()) == ("#b4b4b4", "-")
    assert (sft.get_color(), sft.get_linestyle()) == ("#000000", "--")


def test_algorithm_looks_the_same_in_all_panels(drifts):
    left, right = plot_drift(drifts, PANELS, TEST_SETS).axes
    for name in ("Post-trained", "GRPO"):
        first, second = profiles(left)[name][0], profiles(right)[name][0]
        assert first.get_color() == second.get_color()
        assert first.get_marker() == second.get_marker()


def test_missing_drift_leaves_a_gap(drifts):
    drifts.loc[(drifts["algorithm"] == "sft") & (drifts["test_set"] == "for"), "drift"] = np.nan
    drifts = drifts[~((drifts["algorithm"] == "grpo") & (drifts["test_set"] == "mine"))]
    left = plot_drift(drifts, PANELS, TEST_SETS).axes[0]
    assert np.isnan(profiles(left)["SFT"][0].get_ydata()).tolist() == [False, True, False]
    assert np.isnan(profiles(left)["GRPO"][0].get_ydata()).tolist() == [False, False, True]


def test_labels_and_domains_are_shown(drifts):
    figure = plot_drift(
        drifts,
        {"One": ["sft"]},
        TEST_SETS,
        labels={"mine": "My $ set", "sft": "Supervised"},
        in_domain=["dfe24_4s"],
    )
    [axes] = figure.axes
    assert list(profiles(axes)) == ["Supervised"]
    assert axes.get_xticklabels()[2].get_text() == r"My \$ set"
    assert [text.get_text() for text in axes.texts] == ["in-domain", "out-of-domain"]


def test_caption_says_what_is_shown(drifts):
    text = drift_caption(drifts, reference_set="ASVspoof 2019 LA dev")
    assert "mean over the embedding dimensions of the 1-D Wasserstein-1 distance" in text
    assert "fake utterances" in text
    assert "ASVspoof 2019 LA dev" in text
    assert "Means over 1 to 3 rounds; bars: one standard deviation." in text
    assert "Means over 3 rounds" in drift_caption(drifts[drifts["algorithm"] != "none"])
    assert drift_caption(drifts[drifts["round"] == 1]).endswith("One round.")


def test_neither_title_nor_caption_is_burnt_in(drifts):
    figure = plot_drift(drifts, PANELS, TEST_SETS)
    assert figure.texts == []
    assert figure.get_suptitle() == ""
    contents = {
        "title": "Drift of X",
        "reference_set": "the dev set",
        "method": "mean",
        "notes": ["A note."],
    }
    caption = figure2_caption(drifts, contents)
    assert caption.startswith("Drift of X. Drift: mean over the embedding dimensions")
    assert "those of the dev set." in caption
    assert caption.endswith(" A note.")


@pytest.mark.parametrize(("width", "across"), [(ONE_COLUMN, 1), (TWO_COLUMNS, 2)])
def test_the_figure_fits_one_column_or_two_with_text_of_8_points(drifts, width, across):
    figure = plot_drift(drifts, PANELS, TEST_SETS, in_domain=["dfe24_4s"], width=width)
    assert 25.4 * figure.get_figwidth() == pytest.approx(width)
    figure.draw_without_rendering()
    assert len({round(axes.get_position().x0, 3) for axes in figure.axes}) == across
    for axes in figure.axes:
        texts = [*axes.get_xticklabels(), *axes.get_yticklabels(), axes.yaxis.label, *axes.texts]
        texts += [*axes.get_legend().get_texts(), axes.get_legend().get_title()]
        assert {text.get_fontsize() for text in texts} == {8.0}
        edge = figure.bbox.width
        for box in (axes.get_tightbbox(), axes.get_legend().get_window_extent()):
            assert box.x0 >= -1
            assert box.x1 <= edge + 1


@pytest.mark.parametrize("width", [ONE_COLUMN, TWO_COLUMNS])
def test_a_legend_of_long_names_is_no_wider_than_its_panel(drifts, width):
    """Panels stay as wide as they are with short names, and no legend reaches into another."""
    long = {name: f"{name}, advantage by batch" for members in PANELS.values() for name in members}
    figures = [plot_drift(drifts, PANELS, TEST_SETS, labels=it, width=width) for it in ({}, long)]
    widths = []
    for figure in figures:
        figure.draw_without_rendering()
        widths.append([axes.get_position().width for axes in figure.axes])
        for axes in figure.axes:
            assert axes.get_legend().get_window_extent().x1 <= axes.get_tightbbox().x1 + 1
            right_of_it = [
                other for other in figure.axes if other.get_position().x0 > axes.get_position().x1
            ]
            for other in right_of_it:
                assert axes.get_legend().get_window_extent().x1 < other.get_window_extent().x0
    assert widths[1] == pytest.approx(widths[0], rel=0.1)


def test_files_repeat_and_carry_no_date(drifts, tmp_path):
    for folder in ("one", "two"):
        figure = plot_drift(drifts, PANELS, TEST_SETS)
        save_figure(figure, [tmp_path / folder / "f.png", tmp_path / folder / "f.pdf"], dpi=60)
    for name in ("f.png", "f.pdf"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert b"CreationDate" not in (tmp_path / "one" / "f.pdf").read_bytes()
    assert b"Software" not in (tmp_path / "one" / "f.png").read_bytes()


def test_failed_write_leaves_the_old_file(drifts, tmp_path, monkeypatch):
    figure = plot_drift(drifts, PANELS, TEST_SETS)
    (tmp_path / "f.png").write_text("old")

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        save_figure(figure, [tmp_path / "f.png"])
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_no_pyplot_and_no_torch():
    code = (
        "import sys, sdd.presentation.figures.all_figures, sdd.presentation.report.report;"
        "import sdd.presentation.tables.recipe_tables, sdd.metrics.drift;"
        "heavy = {'matplotlib', 'torch', 'scipy', 'ot', 'pyarrow'} & set(sys.modules);"
        "assert not heavy - {'pyarrow'}, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_users_settings_do_not_matter(drifts, tmp_path):
    import matplotlib

    save_figure(plot_drift(drifts, PANELS, TEST_SETS), [tmp_path / "plain.png"], dpi=50)
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "red", "lines.linewidth": 9}):
        save_figure(plot_drift(drifts, PANELS, TEST_SETS), [tmp_path / "own.png"], dpi=50)
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "own.png").read_bytes()


def test_bad_input_is_named(drifts, tmp_path):
    with pytest.raises(InputError, match="lack the column drift"):
        plot_drift(drifts.drop(columns="drift"), PANELS, TEST_SETS)
    with pytest.raises(InputError, match="drift of sft, round 1, for is given twice"):
        plot_drift(pd.concat([drifts, drifts[4:5]]), PANELS, TEST_SETS)
    with pytest.raises(InputError, match="no drift of the algorithm 'grpo_beta0'"):
        plot_drift(drifts, {"One": ["grpo_beta0"]}, TEST_SETS)
    with pytest.raises(InputError, match="at least one panel and one test set"):
        plot_drift(drifts, {}, TEST_SETS)
    with pytest.raises(InputError, match=r"f\.svg: a figure is written as \.png or \.pdf"):
        save_figure(plot_drift(drifts, PANELS, TEST_SETS), [tmp_path / "f.svg"])


@pytest.mark.parametrize(
    ("names", "titles"),
    [
        (("a", "b"), ["(a)", "(b)"]),
        (("Objectives", "a"), ["(a) Objectives", "(b) a"]),
        (("Objectives",), ["Objectives"]),
    ],
)
def test_panels_are_lettered_once(names, titles):
    drifts = pd.DataFrame({"algorithm": ["sft"], "round": [1], "test_set": ["itw"], "drift": [0.5]})
    figure = plot_drift(drifts, {name: ["sft"] for name in names}, ["itw"])
    legends = [axes.get_legend().get_title().get_text() for axes in figure.axes]
    assert legends == titles
