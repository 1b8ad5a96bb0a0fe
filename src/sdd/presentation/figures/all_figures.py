"""All figures beyond the paper's, from the files of an experiment."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sdd.analysis.cell_tables import read_cells
from sdd.analysis.columns import AVERAGES, IDENTITY
from sdd.analysis.table1_differences import read_intervals
from sdd.experiment import tree
from sdd.experiment.cells import Cell
from sdd.presentation.figures.error_rates import plot_eer_against_drift, plot_spread
from sdd.presentation.figures.figure2 import ONE_COLUMN, TWO_COLUMNS, plot_figure2
from sdd.presentation.figures.reliability import plot_reliability, reliability_curve
from sdd.presentation.figures.scores import (
    SCORE_AXES,
    ScoredCell,
    det_curves,
    plot_det,
    plot_histograms,
)
from sdd.presentation.figures.style import save_figure
from sdd.presentation.figures.training import (
    plot_learning_curves,
    plot_reward_and_kl,
    read_histories,
    starting_points,
)
from sdd.scoring.calibrations import calibrated_ratios, read_calibration
from sdd.scoring.score_tables import ranked_scores, read_scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Plot = Callable[[int], "Figure"]
"""Draws a figure with so many columns of panels."""


@dataclass(frozen=True)
class _Figure:
    plot: Plot
    columns: int = 2
    """On a wide screen or page; on a narrow one the panels stand below each other."""


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
    words = {"labels": contents["labels"], "notes": " ".join(contents["notes"])}
    titled = f"Experiment {contents['name']}: "
    cells = read_cells([place(tree.EER, cell=cell) for cell in contents["cells"]])
    eers = _frame(cells, "eer_percent")
    histories = read_histories([place(tree.HISTORY, cell=cell) for cell in contents["trained"]])
    started = pd.concat([starting_points(cells, contents["starts"]), histories])
    scored = list(_read_scores(place, contents, cells))

    def further(function: Callable[..., "Figure"], data: Any, title: str, **more: Any) -> Plot:  # noqa: ANN401
        return lambda columns: function(
            data, title=titled + title, columns=columns, **words, **more
        )

    figures = {
        **_figures_of_drift(place, contents, eers, further),
        **_figures_of_calibration(place, contents, further),
        "det": _Figure(further(plot_det, det_curves(scored), "DET curves"), 3),
        "scores": _Figure(
            further(plot_histograms, scored, "scores", axis=SCORE_AXES[contents["score"]]), 3
        ),
        "spread": _Figure(
            further(
                plot_spread,
                _averages(eers, contents["domains"]),
                "rounds",
                intervals=read_intervals(place(tree.INTERVALS)),
                titles=dict(
                    zip(AVERAGES, (f"{name}, average" for name in contents["domains"]), strict=True)
                ),
            )
        ),
        "learning_curves": _Figure(further(plot_learning_curves, started, "validation EER")),
        "reward_and_kl": _Figure(further(plot_reward_and_kl, histories, "reward and divergence")),
    }
    # For the page on a phone the panels of the same figure stand below each other.
    for name, figure in figures.items():
        wide, narrow = figure.plot(figure.columns), figure.plot(1)
        save_figure(wide, [target / f"{name}.png", target / f"{name}.pdf"])
        save_figure(narrow, [target / f"{name}_narrow.png"])
    return list(figures)


def _figures_of_drift(
    place: Callable[..., Path],
    contents: Mapping[str, Any],
    eers: pd.DataFrame,
    further: Callable[..., Plot],
) -> dict[str, _Figure]:
    """Return the figures that need drifts: none without a reference set to measure them from."""
    if not contents["drift_cells"]:
        return {}
    cells = read_cells([place(tree.DRIFT, cell=cell) for cell in contents["drift_cells"]])
    drifts = _frame(cells, "drift")
    points = _means(drifts, "drift").merge(_means(eers, "eer_percent"))

    def figure2(columns: int) -> "Figure":
        width = ONE_COLUMN if columns == 1 else TWO_COLUMNS
        return plot_figure2(drifts, contents["figure2"], width=width)

    against = further(plot_eer_against_drift, points, "EER and drift", domains=contents["domains"])
    return {"figure2": _Figure(figure2), "eer_against_drift": _Figure(against)}


def _figures_of_calibration(
    place: Callable[..., Path], contents: Mapping[str, Any], further: Callable[..., Plot]
) -> dict[str, _Figure]:
    """Return the figure that needs calibrations: none where the validation set is not scored."""
    if not contents["calibrated"]:
        return {}
    calibrations = {
        cell: read_calibration(place(tree.CALIBRATION, cell=cell))
        for cell in contents["main_cells"]
    }
    groups = []
    for name in contents["figure2"]["test_sets"]:
        curves = []
        for cell, calibration in calibrations.items():
            path = place(tree.SCORES, cell=cell, set=name)
            scores = read_scores(path)
            ratios = calibrated_ratios(calibration, path, scores)
            algorithm = Cell.parse(cell).algorithm
            curves.append(reliability_curve(algorithm, ratios[scores.real], ratios[~scores.real]))
        groups.append((name, curves))
    return {"reliability": _Figure(further(plot_reliability, groups, "calibrated scores"), 3)}


def _frame(cells: Sequence[Mapping[str, Any]], value: str) -> pd.DataFrame:
    frame = pd.DataFrame(cells)
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


def _read_scores(
    place: Callable[..., Path],
    contents: Mapping[str, Any],
    rates: Sequence[Mapping[str, Any]],
) -> Iterator[ScoredCell]:
    """Read what the cells of the first panel of Figure 2 say of each test set."""
    thresholds = {
        (Cell(row["model"], row["init"], row["algorithm"], row["round"]).path, row["test_set"]): row
        for row in rates
    }
    for name in contents["figure2"]["test_sets"]:
        for cell in contents["main_cells"]:
            scores = read_scores(place(tree.SCORES, cell=cell, set=name))
            values = ranked_scores(scores.logits, contents["score"])
            row = thresholds[cell, name]
            yield ScoredCell(
                name,
                Cell.parse(cell).algorithm,
                values[scores.real],
                values[~scores.real],
                float(row["threshold"]),
                float(row.get("validation_threshold") or math.nan),
            )
