"""Figure 2: the drift of every test set as one profile for each fine-tuning algorithm."""

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sdd.errors import InputError
from sdd.metrics.drift import FloatArray, Method
from sdd.metrics.rounds import mean_and_spread
from sdd.presentation.figures.panels import entries_of_a_line
from sdd.presentation.figures.style import (
    FIGURE_LABELS,
    SOLID_MARKERS,
    Style,
    choose_styles,
    mathtext,
    own_style,
    plain,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MILLIMETRES_AN_INCH = 25.4
ONE_COLUMN, TWO_COLUMNS = 84.0, 174.0
"""Widths of a figure in one column of a journal and across both, in millimetres."""
FONT_SIZE = 8.0
"""Of all text, in points, at these widths."""
# In inches.
_PANEL_HEIGHT = 2.45
_LEGEND_ENTRY = 1.05
_LEFT_OF_AXES = 0.45
_USUAL_LINES, _LEGEND_LINE = 2, 0.15
"""Lines of a legend that a panel's height has room for, and inches of a further one."""
_CHARACTER = 0.075
"""Mean width of a character below the axis, with some room."""

DRIFT_COLUMNS = ("algorithm", "round", "test_set", "drift")
_DISTANCES: Mapping[Method, str] = {
    "mean": "mean over the embedding dimensions of the 1-D Wasserstein-1 distance",
    "sliced": "sliced Wasserstein-1 distance of the embeddings",
    "exact": "exact Wasserstein-1 distance of subsampled embeddings",
    "ks": "mean over the embedding dimensions of the Kolmogorov-Smirnov statistic",
    "kl": "mean over the embedding dimensions of the Kullback-Leibler divergence",
}


def plot_drift(
    drifts: pd.DataFrame,
    panels: Mapping[str, Sequence[str]],
    test_sets: Sequence[str],
    *,
    labels: Mapping[str, str] | None = None,
    in_domain: Sequence[str] = (),
    width: float = TWO_COLUMNS,
) -> "Figure":
    """Draw the drift of each test set, one profile for each algorithm, as the paper's Figure 2.

    Parameters
    ----------
    drifts
        Columns `DRIFT_COLUMNS`: algorithm, round, test_set, drift. A missing combination, or NaN,
        leaves a gap. Where they are there: drift_low and drift_high, the interval of a drift, and
        floor, what chance alone gives.
    panels
        Title of each panel, left to right, and the algorithms in it; two or more
        are lettered (a), (b).
    test_sets
        Order along the horizontal axis.
    labels
        Shown text of algorithms and test sets; takes precedence over `FIGURE_LABELS`.
    in_domain
        Those of `test_sets` that are in-domain: a light band sets them apart.
    width
        Of the figure in millimetres. As many panels stand beside each other as it has columns.

    Returns
    -------
    matplotlib.figure.Figure
        Means over rounds; error bars of one standard deviation where there is more than one round,
        of the interval where all have one. A dotted line at the floor. Neither title nor caption
        is in it: papers and pages have their own.

    Raises
    ------
    InputError
        If a column is missing, a round is given twice, an algorithm of a panel has no drift at all,
        or there is no panel or test set.
    """
    from matplotlib.figure import Figure

    names = {**FIGURE_LABELS, **(labels or {})}
    values = _by_profile(drifts)
    intervals = _intervals(drifts) if _has_one_round(drifts) else {}
    _check_panels(panels, test_sets, values)
    styles = choose_styles(name for members in panels.values() for name in members)
    across = min(max(1, round(width / ONE_COLUMN)), len(panels))
    down = math.ceil(len(panels) / across)
    inches = width / MILLIMETRES_AN_INCH

    with own_style(size=FONT_SIZE):
        # As many lines in all legends: the axes of panels side by side begin at one height.
        titles = [names.get(name, name) for members in panels.values() for name in members]
        most = entries_of_a_line(titles, inches / across - _LEFT_OF_AXES, usual=_LEGEND_ENTRY)
        legend_lines = max(math.ceil(len(members) / most) for members in panels.values())
        height = _PANEL_HEIGHT + max(0, legend_lines - _USUAL_LINES) * _LEGEND_LINE
        figure = Figure(figsize=(inches, height * down), layout="constrained")
        axes = figure.subplots(down, across, sharey=True, squeeze=False).ravel()
        for index, (panel, algorithms) in enumerate(panels.items()):
            _draw_panel(axes[index], algorithms, test_sets, values, intervals, styles, names)
            if "floor" in drifts:
                floor = drifts["floor"].astype(float).mean()
                axes[index].axhline(floor, color="#777777", linewidth=0.9, linestyle=(0, (1, 2)))
            shown = [names.get(name, name) for name in test_sets]
            _label_test_sets(axes[index], shown, inches / across)
            _mark_domains(axes[index], test_sets, in_domain)
            _add_legend(axes[index], _panel_title(panel, index, len(panels)), legend_lines)
        for left in axes[::across]:
            left.set_ylabel("Drift")
        # Room above the profiles for the names of the domains.
        axes[0].set_ylim(0, 1.16 * max(panel.dataLim.y1 for panel in axes[: len(panels)]) or None)
        for unused in axes[len(panels) :]:
            unused.remove()
        return figure


def _check_panels(
    panels: Mapping[str, Sequence[str]],
    test_sets: Sequence[str],
    values: Mapping[tuple[str, str], list[float]],
) -> None:
    """Refuse a figure without anything to draw, or a profile without a point."""
    if not panels or not test_sets:
        raise InputError("A drift figure needs at least one panel and one test set.")
    for algorithm in dict.fromkeys(name for members in panels.values() for name in members):
        if not any((algorithm, test_set) in values for test_set in test_sets):
            raise InputError(
                f"There is no drift of the algorithm {algorithm!r} on any of the test sets "
                f"{', '.join(test_sets)}: compute it, or leave it out of the panels."
            )


def plot_figure2(
    drifts: pd.DataFrame, contents: Mapping[str, Any], *, width: float = TWO_COLUMNS
) -> "Figure":
    """Draw Figure 2 of an experiment.

    Parameters
    ----------
    contents
        As `sdd.experiment.contents.figure2` returns it.
    width
        Of the figure in millimetres.
    """
    return plot_drift(
        drifts,
        contents["panels"],
        contents["test_sets"],
        labels=contents["labels"],
        in_domain=contents["in_domain"],
        width=width,
    )


def figure2_caption(drifts: pd.DataFrame, contents: Mapping[str, Any]) -> str:
    """Return the title and caption of Figure 2 of an experiment, as shown text.

    Parameters are those of `plot_figure2`.
    """
    what = drift_caption(drifts, reference_set=contents["reference_set"], method=contents["method"])
    return " ".join([f"{contents['title'].rstrip('.')}.", what, *contents["notes"]])


def drift_caption(
    drifts: pd.DataFrame, *, reference_set: str = "the reference set", method: Method = "mean"
) -> str:
    """Say what a drift figure shows.

    Parameters
    ----------
    drifts
        As for `plot_drift`; its rounds are counted.
    method
        How dimensions were combined (`sdd.metrics.drift.drift`).

    Returns
    -------
    str
        A sentence or two.
    """
    counts = {len(rounds) for rounds in _by_profile(drifts).values()}
    low, high = min(counts, default=0), max(counts, default=0)
    text = (
        f"Drift: {_DISTANCES[method]} between the fake utterances of each test set and those of "
        f"{reference_set}."
    )
    if "floor" in drifts:
        text += " Corrected for what chance alone gives (dotted line)."
    if high <= 1:
        return f"{text} One round" + ("; bars: 95 % interval." if _intervals(drifts) else ".")
    rounds = f"{high}" if low == high else f"{low} to {high}"
    return f"{text} Means over {rounds} rounds; bars: one standard deviation."


def _panel_title(name: str, index: int, panels: int) -> str:
    """Letter the panels: "(a) name", or "(a)" alone where the letter is all the name there is."""
    letter = chr(ord("a") + index)
    if panels == 1:
        return mathtext(name)
    return f"({letter})" if name == letter else f"({letter}) {mathtext(name)}"


def _draw_panel(
    axes: "Axes",
    algorithms: Sequence[str],
    test_sets: Sequence[str],
    values: Mapping[tuple[str, str], list[float]],
    intervals: Mapping[tuple[str, str], tuple[float, float]],
    styles: Mapping[str, Style],
    names: Mapping[str, str],
) -> None:
    """Draw the profiles of some algorithms into one panel, test sets along the horizontal axis."""
    positions = np.arange(len(test_sets), dtype=np.float64)
    for order, algorithm in enumerate(algorithms):
        means, errors = _summary(algorithm, test_sets, values, intervals)
        style = styles[algorithm]
        bold = style.width > 3
        axes.errorbar(
            # Set slightly apart, so that error bars of two algorithms do not cover each other.
            positions + 0.07 * (order - (len(algorithms) - 1) / 2),
            means,
            yerr=errors,
            label=mathtext(names.get(algorithm, algorithm)),
            color=style.colour,
            linestyle=style.dashes,
            linewidth=style.width,
            marker=style.marker or None,
            markersize=4.2,
            markerfacecolor=style.colour if style.marker in SOLID_MARKERS else "white",
            markeredgewidth=1.1,
            elinewidth=0.9,
            # Bars as dark as the boldest line would vanish in it; it lies below the others.
            ecolor="#8a8a8a" if bold else style.colour,
            capsize=1.8,
            zorder=2 if bold else 3,
            solid_capstyle="butt",
        )
    axes.set_xlim(-0.5, len(test_sets) - 0.5)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)


def _summary(
    algorithm: str,
    test_sets: Sequence[str],
    values: Mapping[tuple[str, str], list[float]],
    intervals: Mapping[tuple[str, str], tuple[float, float]],
) -> tuple[FloatArray, FloatArray | None]:
    """Return a profile's means over rounds, and its error bars.

    Returns
    -------
    means
        ``float64 [n_test_sets]``, NaN where nothing was measured.
    errors
        What bars reach on either side: ``float64 [n_test_sets]``, one standard deviation, or
        ``float64 [2, n_test_sets]``, to the ends of the interval; None where there are none.
    """
    profile = [values.get((algorithm, name), []) for name in test_sets]
    summaries = [mean_and_spread(rounds) if rounds else (np.nan, np.nan) for rounds in profile]
    means, spreads = np.array(summaries, dtype=np.float64).T
    if intervals:
        nothing = (np.nan, np.nan)
        limits = np.array([intervals.get((algorithm, name), nothing) for name in test_sets]).T
        return means, np.abs(limits - means)
    return means, spreads if np.isfinite(spreads).any() else None


def _label_test_sets(axes: "Axes", shown: Sequence[str], width: float) -> None:
    """Name the test sets below an axis of so many inches, aslant where they would meet."""
    axes.set_xticks(range(len(shown)), [mathtext(name) for name in shown])
    axes.tick_params(axis="x", length=2.5)
    longest = max(len(line) for text in shown for line in plain(text).split("\n"))
    if longest * len(shown) * _CHARACTER > width:
        for label in axes.get_xticklabels():
            label.set(rotation=35, ha="right", rotation_mode="anchor")


def _mark_domains(axes: "Axes", test_sets: Sequence[str], in_domain: Sequence[str]) -> None:
    """Lay a light band under the in-domain test sets, and name both domains."""
    if not in_domain:
        return
    for inside, run in groupby(range(len(test_sets)), key=lambda i: test_sets[i] in in_domain):
        members = list(run)
        first, last = members[0] - 0.5, members[-1] + 0.5
        if inside:
            axes.axvspan(first, last, color="#f1f1f1", zorder=0, linewidth=0)
        axes.text(
            (first + last) / 2,
            0.975,
            "in-domain" if inside else "out-of-domain",
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="top",
            color="#555555",
        )


def _add_legend(axes: "Axes", title: str, lines: int) -> None:
    """Put the legend between the panel's title and its axes, where no profile can be hidden."""
    profiles, names = axes.get_legend_handles_labels()
    # The line without its error bar: with it, the sample would hide the dashes.
    handles = [profile[0] if isinstance(profile, tuple) else profile for profile in profiles]
    axes.legend(
        handles,
        names,
        title=title,
        alignment="left",
        title_fontproperties={"weight": "bold", "size": FONT_SIZE},
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0.3,
        borderpad=0,
        ncols=math.ceil(len(handles) / lines),
        frameon=False,
        fontsize=FONT_SIZE,
        handlelength=2.6,
        handletextpad=0.5,
        columnspacing=0.9,
    )


def _has_one_round(drifts: pd.DataFrame) -> bool:
    return all(len(rounds) == 1 for rounds in _by_profile(drifts).values())


def _intervals(drifts: pd.DataFrame) -> dict[tuple[str, str], tuple[float, float]]:
    """Return the interval of each (algorithm, test set) that has one."""
    if not {"drift_low", "drift_high"} <= set(drifts.columns):
        return {}
    columns = (drifts[name] for name in ("algorithm", "test_set", "drift_low", "drift_high"))
    return {
        (algorithm, test_set): (float(low), float(high))
        for algorithm, test_set, low, high in zip(*columns, strict=True)
        if not math.isnan(float(low))
    }


def _by_profile(drifts: pd.DataFrame) -> dict[tuple[str, str], list[float]]:
    """Return the drifts over rounds of each (algorithm, test set), less those not measured."""
    missing = [name for name in DRIFT_COLUMNS if name not in drifts.columns]
    if missing:
        raise InputError(
            f"The drifts lack the column {', '.join(missing)}: expected {', '.join(DRIFT_COLUMNS)}."
        )
    profiles: dict[tuple[str, str], list[float]] = {}
    seen = set()
    for algorithm, number, test_set, value in zip(
        *(drifts[name] for name in DRIFT_COLUMNS), strict=True
    ):
        if (algorithm, number, test_set) in seen:
            raise InputError(
                f"The drift of {algorithm}, round {number}, {test_set} is given twice: "
                "keep one of them."
            )
        seen.add((algorithm, number, test_set))
        if not np.isnan(value):
            profiles.setdefault((algorithm, test_set), []).append(float(value))
    return profiles
