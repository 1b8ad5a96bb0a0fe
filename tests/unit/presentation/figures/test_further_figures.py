"""Figures that the paper does not have: the right numbers in the right panels."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from sdd.metrics.error_rates import detection_error_tradeoff
from sdd.metrics.estimates import Estimate
from sdd.presentation.figures.error_rates import (
    plot_eer_against_drift,
    plot_spread,
    spread_apart,
)
from sdd.presentation.figures.panels import panel_grid
from sdd.presentation.figures.scores import (
    ScoredCell,
    det_curves,
    plot_det,
    plot_histograms,
    rate_limits,
    thinned,
)
from sdd.presentation.figures.style import choose_styles
from sdd.presentation.figures.training import (
    POINTS,
    plot_learning_curves,
    plot_reward_and_kl,
    read_histories,
    starting_points,
)
from sdd.runtime.csv_rows import write_rows
from tests.helpers.experiments import CONTROLS

DOMAINS = {"In": ["a"], "Out": ["b"]}
WORDS = {"labels": {"sft": "Supervised"}, "title": "Experiment x"}


@pytest.fixture
def histories(tmp_path):
    """Two rounds of GRPO, 1,000 steps, validated at 500 and 1,000; SFT has no rewards."""
    paths = []
    for algorithm, rounds in (("grpo", 2), ("sft", 1)):
        for number in range(1, rounds + 1):
            path = tmp_path / f"m/post/{algorithm}/round{number}/history.csv"
            rows = [
                {
                    "step": step,
                    "reward": step / 1000 if algorithm == "grpo" else "",
                    "kl": 0.1 * number if algorithm == "grpo" else "",
                    "validation_eer": number / 10 if step % 500 == 0 else "",
                }
                for step in range(1, 1001)
            ]
            write_rows(path, rows)
            paths.append(path)
    return read_histories(paths)


def lines(axes):
    return [line for line in axes.get_lines() if len(line.get_xdata())]


def test_histories_are_thinned_and_validations_kept(histories):
    first = histories[(histories["algorithm"] == "grpo") & (histories["round"] == 1)]
    curve = first.dropna(subset="reward")
    assert len(curve) == POINTS
    # Means of steps 1 to 5, 6 to 10, ...
    assert curve["step"].tolist()[:2] == [3, 8]
    assert curve["reward"].iloc[0] == pytest.approx(0.003)
    validations = first.dropna(subset="validation_eer")
    assert validations["step"].tolist() == [500, 1000]
    assert validations["validation_eer"].tolist() == [10, 10]


def test_learning_curves_are_means_over_rounds(histories):
    [axes] = plot_learning_curves(histories, **WORDS).axes
    mean = lines(axes)[0]
    assert mean.get_xdata().tolist() == [500, 1000]
    assert mean.get_ydata() == pytest.approx([15, 15])
    dots = lines(axes)[1]
    assert sorted(dots.get_ydata()) == pytest.approx([10, 10, 20, 20])
    assert axes.get_title(loc="left") == "m, post-trained"


def test_reward_and_kl_have_a_panel_each_and_leave_out_sft(histories):
    reward, kl = plot_reward_and_kl(histories, **WORDS).axes
    assert len(lines(reward)) == len(lines(kl)) == 1
    assert lines(kl)[0].get_ydata() == pytest.approx([0.15] * POINTS)
    assert (reward.get_ylabel(), kl.get_ylabel()) == ("reward", "KL (nats)")


def test_nothing_trained_is_said():
    empty = read_histories([])
    [axes] = plot_learning_curves(empty, **WORDS).axes
    assert axes.get_title(loc="left") == "nothing was trained"


def test_eer_against_drift():
    points = pd.DataFrame(
        [("none", "a", 30.0, 2.0), ("sft", "a", 10.0, 1.0), ("grpo", "a", 20.0, 1.5),
         ("none", "b", 5.0, 1.0), ("sft", "b", 3.0, 2.0), ("grpo", "b", 4.0, 1.5)],
        columns=["algorithm", "test_set", "eer_percent", "drift"],
    )  # fmt: skip
    figure = plot_eer_against_drift(points, domains=DOMAINS, **WORDS)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["In", "Out"]
    joined, *dots = lines(figure.axes[0])
    assert joined.get_xdata().tolist() == [1.0, 1.5, 2.0]
    assert joined.get_ydata().tolist() == [10, 20, 30]
    assert len(dots) == 3
    caption = figure.texts[-1].get_text().replace("\n", " ")
    assert "In +1.00, Out −1.00" in caption
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "Post-trained",
        "Supervised",
        "GRPO",
    ]


def test_names_of_sets_with_like_results_do_not_lie_on_each_other():
    """As the five durations of Deepfake-Eval-2024, whose points lie within half of a per cent."""
    sets = [f"dfe24_{seconds}s" for seconds in (4, 10, 13, 30, 50)]
    points = pd.DataFrame(
        [
            (algorithm, name, eer + 0.1 * number, drift)
            for algorithm, eer, drift in (("none", 30.0, 1.0), ("sft", 20.0, 2.0))
            for number, name in enumerate(sets)
        ],
        columns=["algorithm", "test_set", "eer_percent", "drift"],
    )
    figure = plot_eer_against_drift(points, domains={"In": sets}, **WORDS)
    FigureCanvasAgg(figure).draw()
    [axes] = figure.axes
    # Without the lines to the points, which an annotation's own extent has.
    boxes = {text.get_text(): Text.get_window_extent(text) for text in axes.texts}
    assert list(boxes) == ["4 s", "10 s", "13 s", "30 s", "50 s"]
    for name, box in boxes.items():
        assert not any(box.overlaps(other) for key, other in boxes.items() if key != name)


def test_heights_are_spread_no_further_than_is_needed():
    """Of 1, 1.2 and 5 the first two go 0.4 each, about their middle; order is that given."""
    assert spread_apart(np.array([1.2, 5.0, 1.0]), 1.0).tolist() == pytest.approx([1.6, 5.0, 0.6])
    assert spread_apart(np.array([3.0, 1.0]), 1.0).tolist() == [3.0, 1.0]


def test_det_curves_meet_the_diagonal_at_the_eer():
    """Real 1..4, fake -2..1: one error of four either way, EER 25 %."""
    from scipy.special import ndtri

    frr, far, _ = detection_error_tradeoff([1, 2, 3, 4], [-2, -1, 0, 1.5])
    figure = plot_det({"a": [("sft", frr, far)]}, **WORDS)
    [axes] = figure.axes
    curve = lines(axes)[1]
    assert np.isclose(curve.get_xdata(), ndtri(0.25)).any()
    both = np.isclose(curve.get_xdata(), ndtri(0.25)) & np.isclose(curve.get_ydata(), ndtri(0.25))
    assert both.any()


def test_spread_has_a_dot_a_round_and_an_interval():
    rounds = pd.DataFrame(
        [("m", "post", "sft", n, "in_domain_avg", value) for n, value in ((1, 10.0), (2, 12.0))],
        columns=["model", "init", "algorithm", "round", "column", "eer_percent"],
    )
    intervals = {("m", "post", "sft", "in_domain_avg"): Estimate(11.0, 7.0, 15.0)}
    figure = plot_spread(rounds, intervals=intervals, titles={"in_domain_avg": "In"}, **WORDS)
    [axes] = figure.axes
    interval, mean, dots = lines(axes)
    assert list(interval.get_xdata()) == [7, 15]
    assert list(mean.get_xdata()) == [11, 11]
    assert list(dots.get_xdata()) == [10, 12]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["m: Supervised"]


def test_panels_stand_below_each_other_on_narrow_screens(histories):
    wide, narrow = (plot_reward_and_kl(histories, columns=n, **WORDS) for n in (2, 1))
    assert narrow.get_figwidth() < wide.get_figwidth()
    assert narrow.get_figheight() > wide.get_figheight()


def normal_curve(trials):
    """A curve of two unit normals, two apart, of so many trials a class."""
    from scipy.special import ndtri

    deviates = ndtri((np.arange(trials) + 0.5) / trials)
    return detection_error_tradeoff(deviates + 2, deviates)[:2]


def test_det_points_are_even_in_deviates():
    """Of 100,000 trials: as many points at the ends, where errors are few, as in the middle."""
    frr, far = normal_curve(100_000)
    limits = rate_limits([("sft", frr, far)])
    x, y = thinned(far, frr, limits)
    assert 250 < len(x) <= 300
    steps = np.abs(np.diff(x)) + np.abs(np.diff(y))
    assert np.quantile(steps, 0.9) < 1.5 * np.median(steps)
    # The straight line that two normals of one spread have, though few points are left.
    inside = (np.abs(x) < 3.5) & (np.abs(y) < 3.5)
    assert np.abs(x + y + 2)[inside].max() < 0.05


def test_a_small_det_curve_keeps_every_corner():
    frr, far, _ = detection_error_tradeoff([1, 2, 3, 4], [-2, -1, 0, 1.5])
    x, _ = thinned(far, frr, (0.125, 0.5))
    assert len(x) == len(frr)


@pytest.mark.parametrize("sets", [5, 9])
def test_names_of_sets_stand_clear_of_the_axes_above(sets):
    """Panels of a fixed aspect change their size while they are laid out."""
    even = detection_error_tradeoff(np.arange(1000.0), np.arange(1000.0) + 0.5)[:2]
    algorithms = ("none", "sft", "grpo", "sft_kl1", "sft-half")
    curves = {name: [(other, *even) for other in algorithms] for name in "abcdefghi"[:sets]}
    figure = plot_det(curves, **WORDS | {"notes": "Words of a long remark. " * 8})
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    for above, below in zip(figure.axes, figure.axes[3:], strict=False):
        title = next(
            text for text in below.findobj(Text) if text.get_text() == below.get_title("left")
        )
        label = above.xaxis.label.get_window_extent(renderer)
        assert label.y0 > title.get_window_extent(renderer).y1


def test_axes_of_det_curves_are_of_the_data():
    few, many = normal_curve(20), normal_curve(10_000)
    assert rate_limits([("sft", *few)]) == (pytest.approx(1 / 40), 0.5)
    assert rate_limits([("sft", *few), ("grpo", *many)])[0] == pytest.approx(1 / 20_000)
    worse = detection_error_tradeoff([1, 2, 3, 4], [2.5, 3.5, 4.5, 0.5])[:2]
    assert rate_limits([("sft", *worse)])[1] == 0.875
    figure = plot_det({"a": [("sft", *few)], "b": [("grpo", *many)]}, **WORDS)
    assert len({axes.get_xlim() for axes in figure.axes} | {a.get_ylim() for a in figure.axes}) == 1
    # Every curve crosses the whole of its axes: it begins and ends at their edges or beyond.
    low, high = figure.axes[1].get_xlim()
    curve = lines(figure.axes[1])[1]
    assert curve.get_xdata().max() >= high
    assert curve.get_ydata().max() >= high
    assert curve.get_xdata().min() <= low


def test_histograms_count_every_trial_and_mark_both_thresholds():
    cells = [
        ScoredCell("a", "sft", np.array([1.0, 2, 2, 90]), np.array([-1.0, 0]), 0.5, -0.5),
        ScoredCell("a", "grpo", np.array([1.0]), np.array([0.0]), 0.2),
        ScoredCell("b", "sft", np.array([1.0]), np.array([0.0]), 0.2, 0.1),
        ScoredCell("b", "grpo", np.array([1.0]), np.array([0.0]), 0.2, 0.1),
    ]
    figure = plot_histograms(cells, axis="logit", **WORDS)
    first, second = figure.axes
    names = [label.get_text() for label in first.get_yticklabels()]
    assert names == ["GRPO", "Supervised"]
    marks = [(line.get_xdata()[0], line.get_linestyle()) for line in lines(first)]
    assert marks == [(0.5, "-"), (-0.5, "--"), (0.2, "-")]
    # SFT, at the top, of both classes: heights relative to the highest bin.
    steps = [patch for patch in first.patches if patch.get_fill()]
    real, fake = (patch.get_data().values - 1 for patch in steps[:2])
    assert real.sum() / real.max() == pytest.approx(
        sum([1, 2, 1]) / real_peak(cells[0].real, first)
    )
    assert fake.max() == pytest.approx(0.85)
    assert second.get_xlabel() == "logit"


def real_peak(values, axes):
    """Trials of the fullest bin, counted anew."""
    edges = next(patch for patch in axes.patches if patch.get_fill()).get_data().edges
    return np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0].max()


def test_curves_come_from_the_scores():
    cell = ScoredCell("a", "sft", np.array([1.0, 3.0]), np.array([0.0, 2.0]), 1.0)
    [(algorithm, frr, far)] = det_curves([cell])["a"]
    assert algorithm == "sft"
    assert frr.tolist() == [0, 0, 0.5, 0.5, 1]
    assert far.tolist() == [1, 0.5, 0.5, 0, 0]


def test_learning_curves_begin_with_the_weights_they_start_from(histories):
    rates = [
        {"model": "m", "init": "post", "algorithm": "none", "round": 1, "test_set": "a",
         "validation_eer_percent": "40.0"},
        {"model": "m", "init": "post", "algorithm": "sft", "round": 1, "test_set": "a",
         "validation_eer_percent": "nan"},
    ]  # fmt: skip
    starts = {
        "m/post/grpo/round1": "m/post/none/round1",
        "m/post/grpo/round2": "m/post/none/round1",
        "m/post/sft-grpo/round1": "m/post/sft/round1",
        "m/post/sft/round1": "m/post/elsewhere/round1",
    }
    points = starting_points(rates, starts)
    assert points["algorithm"].tolist() == ["grpo", "grpo"]
    assert points["round"].tolist() == [1, 2]
    [axes] = plot_learning_curves(pd.concat([points, histories]), **WORDS).axes
    mean = lines(axes)[0]
    assert mean.get_xdata().tolist() == [0, 500, 1000]
    assert mean.get_ydata() == pytest.approx([40, 15, 15])


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("markers", [False, True])
def test_a_legend_of_long_names_stays_within_the_figure_and_above_its_panels(columns, markers):
    names = {f"a{number}": f"GRPO, advantage by batch {number}" for number in range(13)}
    titles = ["one", "two", "three"]
    with panel_grid(
        titles,
        columns=columns,
        title="T",
        caption="C",
        styles=choose_styles(names),
        names=names,
        markers=markers,
    ) as (figure, panels):
        pass
    figure.draw_without_rendering()
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width
    assert box.y0 >= max(axes.get_tightbbox().y1 for axes in panels) - 1
    assert len(legend.get_texts()) == 13


@pytest.mark.parametrize("columns", [1, 2])
def test_titles_beside_long_names_of_rows_are_not_cut(columns):
    cells = pd.DataFrame({"model": "m", "init": "post", "algorithm": ["sft", "grpo"], "round": 1})
    rounds = pd.concat(cells.assign(column=name, eer_percent=[1.0, 2.0]) for name in ("a", "b"))
    figure = plot_spread(
        rounds,
        intervals={},
        titles={"a": "Other toy sets (out-of-domain), average", "b": "In"},
        labels={"sft": "SFT, of the upper half of the layers", "grpo": "GRPO, advantage by batch"},
        title="T",
        columns=columns,
    )
    figure.draw_without_rendering()
    for axes in figure.axes:
        box = axes.get_tightbbox()
        assert 0 <= box.x0 < box.x1 <= figure.bbox.width


def test_all_controls_can_be_told_apart():
    styles = choose_styles(row["algorithm"] for row in CONTROLS["rows"])
    assert len(set(styles.values())) == len(styles) == len(CONTROLS["rows"])
