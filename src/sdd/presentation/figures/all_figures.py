"""All figures beyond the paper's, from the files of an experiment."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from sdd.analysis.cell_tables import read_cells
from sdd.analysis.columns import AVERAGES, IDENTITY
from sdd.experiment import tree
from sdd.experiment.cells import Cell
from sdd.metrics.error_rates import detection_error_tradeoff
from sdd.presentation.figures.error_rates import plot_det, plot_eer_against_drift, plot_spread
from sdd.presentation.figures.figure2 import plot_figure2
from sdd.presentation.figures.style import save_figure
from sdd.presentation.figures.training import (
    plot_learning_curves,
    plot_reward_and_kl,
    read_histories,
)
from sdd.scoring.score_tables import ranked_scores, read_scores


def draw_figures(
    results: Path, recipe: str, target: Path, contents: Mapping[str, Any]
) -> list[str]:
    """Draw all further figures of a recipe, each as NAME.png, NAME.pdf and NAME_narrow.png.

    Parameters
    ----------
    results, recipe
        results/{name}, and the recipe: eer.csv, drift.csv, history.csv and scores of its cells,
        and its intervals.csv are read.
    target
        Where the figures go.
    contents
        As `sdd.experiment.contents.figures` returns it.

    Returns
    -------
    list of str
        Names of those drawn: without a reference set there is nothing to draw of drift.
    """
    place = partial(tree.path, results=results, recipe=recipe)
    eers = _frame([place(tree.EER, cell=cell) for cell in contents["cells"]], "eer_percent")
    histories = read_histories([place(tree.HISTORY, cell=cell) for cell in contents["trained"]])
    words = {"labels": contents["labels"], "notes": " ".join(contents["notes"])}
    titled = f"Experiment {contents['name']}: "
    drawn = []

    def draw(name: str, plot: "Any", columns: int) -> None:  # noqa: ANN401 (partial functions)
        save_figure(plot(columns), [target / f"{name}.png", target / f"{name}.pdf"])
        save_figure(plot(1), [target / f"{name}_narrow.png"])
        drawn.append(name)

    if contents["drift_cells"]:
        drifts = _frame([place(tree.DRIFT, cell=cell) for cell in contents["drift_cells"]], "drift")
        points = _means(drifts, "drift").merge(_means(eers, "eer_percent"))
        draw(
            "figure2",
            lambda columns: plot_figure2(drifts, contents["figure2"], columns=columns),
            2,
        )
        draw(
            "eer_against_drift",
            lambda columns: plot_eer_against_drift(
                points,
                contents["domains"],
                title=titled + "EER and drift",
                columns=columns,
                **words,
            ),
            2,
        )
    curves = _det_curves(place, contents)
    draw(
        "det",
        lambda columns: plot_det(curves, title=titled + "DET curves", columns=columns, **words),
        3,
    )
    rounds = _averages(eers, contents["domains"])
    intervals = pd.read_csv(place(tree.INTERVALS), keep_default_na=False, na_values=["nan", ""])
    titles = dict(zip(AVERAGES, (f"{name}, average" for name in contents["domains"]), strict=True))
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


def _frame(paths: Sequence[Path], value: str) -> pd.DataFrame:
    frame = pd.DataFrame(read_cells(paths))
    frame[value] = frame[value].astype(float)
    return frame


def _means(frame: pd.DataFrame, value: str) -> pd.DataFrame:
    keys = [*IDENTITY, "test_set"]
    return frame.groupby(keys, sort=False)[value].mean().reset_index()


def _averages(eers: pd.DataFrame, domains: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Average the EERs of every cell over each domain."""
    keys = [*IDENTITY, "round"]
    parts = []
    for column, sets in zip(AVERAGES, domains.values(), strict=True):
        inside = eers[eers["test_set"].isin(list(sets))]
        means = inside.groupby(keys, sort=False)["eer_percent"].mean().reset_index()
        parts.append(means.assign(column=column))
    return pd.concat(parts)


def _det_curves(
    place: Callable[..., Path], contents: Mapping[str, Any]
) -> dict[str, list[tuple[str, Any, Any]]]:
    curves: dict[str, list[tuple[str, Any, Any]]] = {}
    for name in contents["figure2"]["test_sets"]:
        curves[name] = []
        for cell in contents["det_cells"]:
            scores = read_scores(place(tree.SCORES, cell=cell, set=name))
            values = ranked_scores(scores.logits, contents["score"])
            frr, far, _ = detection_error_tradeoff(values[scores.real], values[~scores.real])
            curves[name].append((Cell.parse(cell).algorithm, frr, far))
    return curves
