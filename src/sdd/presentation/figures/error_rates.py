"""Error rates against drift, and the spread of rounds."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from sdd.analysis.columns import IDENTITY, Identity
from sdd.analysis.table1_differences import Intervals
from sdd.metrics.estimates import Estimate
from sdd.presentation.figures.panels import panel_grid
from sdd.presentation.figures.style import FIGURE_LABELS, Style, choose_styles, mathtext
from sdd.presentation.numbers import decimals

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL = (3.4, 2.8)
"""Inches."""
LINE_OF_NAME = 12.0
"""Points from a name to the next, were the axes as high as their panel."""


def plot_eer_against_drift(
    points: pd.DataFrame,
    *,
    domains: Mapping[str, Sequence[str]],
    labels: Mapping[str, str],
    title: str,
    notes: str = "",
    columns: int = 2,
) -> "Figure":
    """Draw the EER of each test set against its drift, a panel for each domain.

    Parameters
    ----------
    points
        algorithm, test_set, eer_percent, drift; means over rounds.
    domains
        Title of each panel and its test sets.
    labels
        Shown text of algorithms and test sets.
    title, notes
        Above, and at the end of the caption.
    """
    names = {**FIGURE_LABELS, **labels}
    styles = choose_styles(points["algorithm"])
    caption = (
        "One point for each algorithm and test set, means over rounds; a thin line joins the "
        f"algorithms of one test set. Rank correlation (Spearman): {_correlations(points, domains)}"
        f". {notes}"
    )
    with panel_grid(
        list(domains),
        columns=columns,
        title=title,
        caption=caption.strip(),
        styles=styles,
        names=names,
        markers=True,
        panel=PANEL,
    ) as (figure, panels):
        for axes, sets in zip(panels, domains.values(), strict=True):
            for name in sets:
                group = points[points["test_set"] == name].sort_values("drift")
                _draw_test_set(axes, group, styles)
            # Room for the names right of the last points.
            axes.margins(x=0.15, y=0.1)
            _name_last_points(axes, points, {name: names.get(name, name) for name in sets})
            axes.set_xlabel("drift", fontsize=8)
            axes.set_ylabel("EER (%)", fontsize=8)
    return figure


def _draw_test_set(axes: "Axes", group: pd.DataFrame, styles: Mapping[str, Style]) -> None:
    """Draw the points of one test set, by rising drift."""
    axes.plot(group["drift"], group["eer_percent"], color="#cfcfcf", linewidth=0.7)
    for algorithm, x, y in zip(
        group["algorithm"], group["drift"], group["eer_percent"], strict=True
    ):
        style = styles[algorithm]
        marker = style.marker or "o"
        axes.plot(x, y, color=style.colour, marker=marker, markersize=5, linestyle="")


def _name_last_points(axes: "Axes", points: pd.DataFrame, names: Mapping[str, str]) -> None:
    """Name each test set beside its point of the highest drift, clear of the other names."""
    from matplotlib.transforms import offset_copy

    here = points[points["test_set"].isin(list(names))]
    last = here.sort_values("drift").groupby("test_set").tail(1)
    low, high = axes.get_ylim()
    right_of_points = offset_copy(axes.transData, axes.get_figure(root=True), x=6, units="points")
    heights = spread_apart(
        last["eer_percent"].to_numpy(), (high - low) * LINE_OF_NAME / PANEL[1] / 72
    )
    for name, x, y, height in zip(
        last["test_set"], last["drift"], last["eer_percent"], heights, strict=True
    ):
        axes.annotate(
            names[name],
            (x, y),
            xytext=(x, height),
            textcoords=right_of_points,
            fontsize=7,
            va="center",
            color="#444444",
            arrowprops={"arrowstyle": "-", "color": "#cfcfcf", "linewidth": 0.5, "shrinkA": 0},
        )


def spread_apart(heights: npt.NDArray[np.float64], least: float) -> npt.NDArray[np.float64]:
    """Move heights as little as can be, in squares, until each two differ by `least`; ``[N]``."""
    from scipy.optimize import isotonic_regression

    order = np.argsort(heights, kind="stable")
    steps = least * np.arange(len(heights))
    moved = np.empty(len(heights))
    # Heights in order are `least` apart where heights less their steps do not fall.
    moved[order] = isotonic_regression(heights[order] - steps).x + steps
    return moved


def plot_spread(
    rounds: pd.DataFrame,
    *,
    intervals: Intervals,
    labels: Mapping[str, str],
    titles: Mapping[str, str],
    title: str,
    notes: str = "",
    columns: int = 2,
) -> "Figure":
    """Draw every round of every row, with the interval of the mean.

    Parameters
    ----------
    rounds
        model, init, algorithm, round, column, eer_percent: the averages of each round.
    intervals
        Means over rounds (`sdd.analysis.table1_differences.read_intervals`).
    labels
        Shown text of models and algorithms.
    titles
        Of each panel, by column of the table.
    title, notes
        Above, and at the end of the caption.
    """
    names = {**FIGURE_LABELS, **labels}
    rows = list(dict.fromkeys(zip(*(rounds[key] for key in IDENTITY), strict=True)))
    shown = [_row_name(row, names) for row in rows]
    caption = (
        "Dots: single rounds. Bars: mean over rounds with its 95 % interval, over test data and, "
        f"with two rounds or more, over rounds. {notes}"
    )
    panel = (3.8, 0.4 + 0.19 * len(rows))
    with panel_grid(
        list(titles.values()),
        columns=columns,
        title=title,
        caption=caption.strip(),
        styles={},
        names=names,
        panel=panel,
        share_rows=True,
        titles_end="right",  # names of rows take the room left of the axes
    ) as (figure, panels):
        for axes, column in zip(panels, titles, strict=True):
            for place, row in enumerate(rows):
                here = _of_row(rounds[rounds["column"] == column], row)
                _draw_row(axes, place, here["eer_percent"], intervals.get((*row, column)))
            axes.set_yticks(range(len(rows)), shown, fontsize=7.5)
            axes.set_xlabel("EER (%)", fontsize=8)
            axes.set_xlim(left=0)
        # Top to bottom, as the rows of the table; all panels share the axis.
        panels[0].set_ylim(len(rows) - 0.5, -0.5)
    return figure


def _draw_row(axes: "Axes", place: int, rounds: pd.Series, mean: Estimate | None) -> None:
    """Draw a row of the table at height `place`: each round, over the mean with its interval."""
    if mean is not None:
        axes.plot([mean.low, mean.high], [place, place], color="#9a9a9a", linewidth=3,
                  solid_capstyle="butt", zorder=2)  # fmt: skip
        axes.plot([mean.value, mean.value], [place - 0.3, place + 0.3], color="black", zorder=3)
    axes.plot(rounds, [place] * len(rounds), color="#0072b2", marker="o", markersize=3.5,
              linestyle="", zorder=4)  # fmt: skip


def _row_name(row: Identity, names: Mapping[str, str]) -> str:
    model, init, algorithm = row
    start = "" if init == "post" else f", {init}-trained"
    return mathtext(f"{names.get(model, model)}{start}: {names.get(algorithm, algorithm)}")


def _of_row(frame: pd.DataFrame, row: Identity) -> pd.DataFrame:
    model, init, algorithm = row
    same = (frame["model"] == model) & (frame["init"] == init) & (frame["algorithm"] == algorithm)
    return frame[same]


def _correlations(points: pd.DataFrame, domains: Mapping[str, Sequence[str]]) -> str:
    parts = []
    for domain, sets in domains.items():
        group = points[points["test_set"].isin(list(sets))]
        ranks = group[["drift", "eer_percent"]].rank()
        value = ranks["drift"].corr(ranks["eer_percent"]) if len(group) > 2 else np.nan
        parts.append(f"{domain} {decimals(value, sign=True)}")
    return ", ".join(parts)
