"""All figures beyond the paper's, from the files of an experiment."""

from collections.abc import Callable, Mapping, Sequence
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

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class _Figure:
    plot: Callable[..., "Figure"]
    """Draws it with so many `columns` of panels."""
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
    eers = _frame([place(tree.EER, cell=cell) for cell in contents["cells"]], "eer_percent")
    histories = read_histories([place(tree.HISTORY, cell=cell) for cell in contents["trained"]])
    titles = dict(zip(AVERAGES, (f"{name}, average" for name in contents["domains"]), strict=True))
    figures = {
        **_figures_of_drift(place, contents, eers, title=titled + "EER and drift", **words),
        "det": _Figure(
            partial(plot_det, _det_curves(place, contents), title=titled + "DET curves", **words), 3
        ),
        "spread": _Figure(
            partial(
                plot_spread,
                _averages(eers, contents["domains"]),
                read_intervals(place(tree.INTERVALS)),
                titles=titles,
                title=titled + "rounds",
                **words,
            )
        ),
        "learning_curves": _Figure(
            partial(plot_learning_curves, histories, title=titled + "validation EER", **words)
        ),
        "reward_and_kl": _Figure(
            partial(plot_reward_and_kl, histories, title=titled + "reward and divergence", **words)
        ),
    }
    # For the page on a phone the panels of the same figure stand below each other.
    for name, figure in figures.items():
        wide, narrow = figure.plot(columns=figure.columns), figure.plot(columns=1)
        save_figure(wide, [target / f"{name}.png", target / f"{name}.pdf"])
        save_figure(narrow, [target / f"{name}_narrow.png"])
    return list(figures)


def _figures_of_drift(
    place: Callable[..., Path],
    contents: Mapping[str, Any],
    eers: pd.DataFrame,
    **words: Any,  # noqa: ANN401
) -> dict[str, _Figure]:
    """Return the figures that need drifts: none without a reference set to measure them from."""
    if not contents["drift_cells"]:
        return {}
    drifts = _frame([place(tree.DRIFT, cell=cell) for cell in contents["drift_cells"]], "drift")
    points = _means(drifts, "drift").merge(_means(eers, "eer_percent"))
    return {
        "figure2": _Figure(partial(plot_figure2, drifts, contents["figure2"])),
        "eer_against_drift": _Figure(
            partial(plot_eer_against_drift, points, contents["domains"], **words)
        ),
    }


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
