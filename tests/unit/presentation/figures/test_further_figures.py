"""Figures that the paper does not have: the right numbers in the right panels."""

import numpy as np
import pandas as pd
import pytest

from sdd.metrics.error_rates import detection_error_tradeoff
from sdd.metrics.estimates import Estimate
from sdd.presentation.figures.error_rates import plot_det, plot_eer_against_drift, plot_spread
from sdd.presentation.figures.training import (
    POINTS,
    plot_learning_curves,
    plot_reward_and_kl,
    read_histories,
)
from sdd.runtime.csv_rows import write_rows

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
    figure = plot_eer_against_drift(points, DOMAINS, **WORDS)
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
    figure = plot_spread(rounds, intervals, titles={"in_domain_avg": "In"}, **WORDS)
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
