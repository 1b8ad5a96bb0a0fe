"""All figures beyond the paper's, from the files of an experiment."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sdd.metrics.error_rates import detection_error_tradeoff
from sdd.presentation.figures.error_rates import plot_det, plot_eer_against_drift, plot_spread
from sdd.presentation.figures.figure2 import drift_caption, plot_drift
from sdd.presentation.figures.style import save_figure
from sdd.presentation.figures.training import (
    plot_learning_curves,
    plot_reward_and_kl,
    read_histories,
)
from sdd.scoring.score_tables import ranked_scores, read_cells, read_scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = ("eer_against_drift", "det", "spread", "learning_curves", "reward_and_kl")
AVERAGES = ("in_domain_avg", "out_of_domain_avg")


def draw_figures(folder: Path, target: Path, layout: Mapping[str, Any]) -> list[str]:
    """Draw all further figures of a recipe, each as NAME.png, NAME.pdf and NAME_narrow.png.

    Parameters
    ----------
    folder
        results/{name}/{recipe}: eer.csv, drift.csv, history.csv and scores of its cells, and
        intervals.csv.
    target
        Where the figures go.
    layout
        As `sdd.experiment.contents.figures_layout` gives it.

    Returns
    -------
    list of str
        Names of those drawn: without a reference set there is nothing to draw of drift.
    """
    eers = _frame([folder / cell / "eer.csv" for cell in layout["cells"]], "eer_percent")
    histories = read_histories([folder / cell / "history.csv" for cell in layout["trained"]])
    words = {"labels": layout["labels"], "notes": " ".join(layout["notes"])}
    titled = f"Experiment {layout['name']}: "
    drawn = []

    def draw(name: str, plot: "Any", columns: int) -> None:  # noqa: ANN401 (partial functions)
        save_figure(plot(columns), [target / f"{name}.png", target / f"{name}.pdf"])
        save_figure(plot(1), [target / f"{name}_narrow.png"])
        drawn.append(name)

    if layout["drift_cells"]:
        drifts = _frame([folder / cell / "drift.csv" for cell in layout["drift_cells"]], "drift")
        points = _means(drifts, "drift").merge(_means(eers, "eer_percent"))
        draw("figure2", lambda columns: _figure2(drifts, layout["figure2"], columns), 2)
        draw(
            "eer_against_drift",
            lambda columns: plot_eer_against_drift(
                points, layout["domains"], title=titled + "EER and drift", columns=columns, **words
            ),
            2,
        )
    curves = _det_curves(folder, layout)
    draw(
        "det",
        lambda columns: plot_det(curves, title=titled + "DET curves", columns=columns, **words),
        3,
    )
    rounds = _averages(eers, layout)
    intervals = pd.read_csv(folder / "intervals.csv", keep_default_na=False, na_values=["nan", ""])
    titles = dict(zip(AVERAGES, (f"{name}, average" for name in layout["domains"]), strict=True))
    draw(
        "spread",
        lambda columns: plot_spread(
            rounds, intervals, titles=titles, title=titled + "rounds", columns=columns, **words
        ),
        2,
    )
    for name, plot, about in (
        ("learning_curves", plot_learning_curves, "validation EER"),
        ("reward_and_kl", plot_reward_and_kl, "reward and divergence"),
    ):
        draw(
            name,
            lambda columns, plot=plot, about=about: plot(
                histories, title=titled + about, columns=columns, **words
            ),
            2,
        )
    return drawn


def _figure2(drifts: pd.DataFrame, layout: Mapping[str, Any], columns: int) -> "Figure":
    caption = drift_caption(drifts, reference=layout["reference"], method=layout["method"])
    return plot_drift(
        drifts,
        layout["panels"],
        layout["test_sets"],
        labels=layout["labels"],
        title=layout["title"],
        caption=" ".join([caption, *layout["notes"]]),
        in_domain=layout["in_domain"],
        columns=columns,
    )


def _frame(paths: Sequence[Path], value: str) -> pd.DataFrame:
    frame = pd.DataFrame(read_cells(paths))
    frame[value] = frame[value].astype(float)
    return frame


def _means(frame: pd.DataFrame, value: str) -> pd.DataFrame:
    keys = ["model", "init", "algorithm", "test_set"]
    return frame.groupby(keys, sort=False)[value].mean().reset_index()


def _averages(eers: pd.DataFrame, layout: Mapping[str, Any]) -> pd.DataFrame:
    """Average of each domain, of every cell."""
    keys = ["model", "init", "algorithm", "round"]
    parts = []
    for column, sets in zip(AVERAGES, layout["domains"].values(), strict=True):
        inside = eers[eers["test_set"].isin(list(sets))]
        means = inside.groupby(keys, sort=False)["eer_percent"].mean().reset_index()
        parts.append(means.assign(column=column))
    return pd.concat(parts)


def _det_curves(folder: Path, layout: Mapping[str, Any]) -> dict[str, list[tuple[str, Any, Any]]]:
    curves: dict[str, list[tuple[str, Any, Any]]] = {}
    for name in layout["figure2"]["test_sets"]:
        curves[name] = []
        for cell in layout["det_cells"]:
            scores = read_scores(folder / cell / "scores" / f"{name}.parquet")
            values = ranked_scores(scores.logits, layout["score"])
            frr, far, _ = detection_error_tradeoff(values[scores.real], values[~scores.real])
            curves[name].append((cell.split("/")[2], frr, far))
    return curves
