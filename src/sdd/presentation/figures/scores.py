"""What detectors say of the trials of each test set: DET curves and histograms of scores."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sdd.metrics.error_rates import detection_error_tradeoff
from sdd.presentation.figures.panels import panel_grid
from sdd.presentation.figures.style import FIGURE_LABELS, choose_styles, mathtext
from sdd.scoring.score_tables import Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FloatArray = NDArray[np.float64]
Curve = tuple[str, FloatArray, FloatArray]
"""Algorithm, false rejections and false acceptances."""

SCORE_AXES: Mapping[Score, str] = {
    "logit": "logit of REAL",
    "probability": "probability of REAL",
}
_TICKS = (1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99)
_POINTS = 300
_BINS = 50
_REAL, _FAKE = "#0072b2", "#d55e00"


@dataclass(frozen=True)
class ScoredCell:
    """What a cell says of a test set, ``float [n_real]`` and ``float [n_fake]``, and thresholds.

    Attributes
    ----------
    threshold
        Where the test set has its EER.
    validation_threshold
        Where the validation set has its EER; NaN where it is not scored.
    """

    test_set: str
    algorithm: str
    real: NDArray[np.floating]
    fake: NDArray[np.floating]
    threshold: float
    validation_threshold: float = math.nan


def det_curves(scored: Iterable[ScoredCell]) -> dict[str, list[Curve]]:
    """Return the curve of each cell, by test set."""
    curves: dict[str, list[Curve]] = {}
    for cell in scored:
        frr, far, _ = detection_error_tradeoff(cell.real, cell.fake)
        curves.setdefault(cell.test_set, []).append((cell.algorithm, frr, far))
    return curves


def plot_det(
    curves: Mapping[str, Sequence[Curve]],
    *,
    labels: Mapping[str, str],
    title: str,
    notes: str = "",
    columns: int = 3,
) -> "Figure":
    """Draw the detection error trade-off of each test set, on normal-deviate axes.

    Parameters
    ----------
    curves
        By test set: algorithm, false rejections and false acceptances of each round, fractions
        ``float64 [n_thresholds]`` as `sdd.metrics.error_rates.detection_error_tradeoff` returns
        them.
    labels
        Shown text of algorithms and test sets.
    title, notes
        Above, and at the end of the caption.
    """
    names = {**FIGURE_LABELS, **labels}
    styles = choose_styles(name for group in curves.values() for name, _, _ in group)
    caption = (
        "Detection error trade-off, one curve for each round; the diagonal meets a curve at its "
        f"EER. Axes: normal deviates. {notes}"
    )
    titles = [names.get(name, name) for name in curves]
    limits = rate_limits([curve for group in curves.values() for curve in group])
    with panel_grid(
        titles,
        columns=columns,
        title=title,
        caption=caption.strip(),
        styles=styles,
        names=names,
        panel=(2.4, 2.3),
    ) as (figure, panels):
        for axes, group in zip(panels, curves.values(), strict=True):
            _set_rates(axes, limits)
            for algorithm, frr, far in group:
                style = styles[algorithm]
                x, y = thinned(far, frr, limits)
                axes.plot(x, y, color=style.colour, linestyle=style.dashes,
                          linewidth=min(style.width, 2.6), drawstyle="steps-post")  # fmt: skip
    return figure


def rate_limits(curves: Sequence[Curve]) -> tuple[float, float]:
    """Return the least and the greatest rate that is worth an axis, fractions.

    The least is half of the smallest rate above zero. The greatest is twice the largest EER, so
    that every curve crosses the diagonal well inside, and one half at least.
    """
    rates = [rate[rate > 0].min() for _, frr, far in curves for rate in (frr, far)]
    crossings = [np.maximum(frr, far).min() for _, frr, far in curves]
    low = max(_TICKS[0], 0.5 * min(rates, default=0.01))
    return low, min(max(0.5, 2 * max(crossings, default=0.0)), 1 - low)


def thinned(
    far: FloatArray, frr: FloatArray, limits: tuple[float, float], points: int = _POINTS
) -> tuple[FloatArray, FloatArray]:
    """Turn a curve into normal deviates, and keep points that are evenly far from each other.

    A curve has a step a trial, more than a file or the eye needs. Every so many trials would leave
    its ends, where there are few errors, with hardly a point.

    Returns
    -------
    far, frr
        ``float64 [n]``, n at most `points`; rates of 0 and 1, whose deviates are infinite, are
        drawn beyond the axes.
    """
    from scipy.special import ndtri

    # Half the least rate of an axis lies outside of it, yet is a number.
    edge = min(limits[0], 1 - limits[1]) / 2
    x, y = (ndtri(np.clip(rate, edge, 1 - edge)) for rate in (far, frr))
    way = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    kept = np.unique(np.searchsorted(way, np.linspace(0, way[-1], points)))
    return x[kept], y[kept]


def _set_rates(axes: "Axes", limits: tuple[float, float]) -> None:
    """Scale the axes of a DET curve alike, with percentages at round rates, and their diagonal."""
    from scipy.special import ndtri

    low, high = ndtri(np.array(limits))
    shown = [tick for tick in _TICKS if limits[0] <= tick <= limits[1]]
    axes.plot([low, high], [low, high], color="#bbbbbb", linewidth=0.7)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ndtri(np.array(shown)), [f"{100 * tick:g}" for tick in shown], fontsize=7)
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    axes.set_xlabel("fakes accepted (%)", fontsize=7.5)
    axes.set_ylabel("real rejected (%)", fontsize=7.5)


def plot_histograms(
    scored: Sequence[ScoredCell],
    *,
    axis: str,
    labels: Mapping[str, str],
    title: str,
    notes: str = "",
    columns: int = 3,
) -> "Figure":
    """Draw the distribution of scores of each test set, a row for each algorithm.

    Parameters
    ----------
    scored
        Cells; the rounds of an algorithm are pooled, each with its thresholds.
    axis
        What the scores are.
    labels
        Shown text of algorithms and test sets.
    title, notes
        Above, and at the end of the caption.
    """
    names = {**FIGURE_LABELS, **labels}
    sets = list(dict.fromkeys(cell.test_set for cell in scored))
    algorithms = list(dict.fromkeys(cell.algorithm for cell in scored))
    caption = (
        "Scores of real (blue) and fake trials (orange), each class to its own height. Black line: "
        "where the test set has its EER; dashed: where the validation set has its own; one of a "
        f"round each. {notes}"
    )
    with panel_grid(
        [names.get(name, name) for name in sets],
        columns=columns,
        title=title,
        caption=caption.strip(),
        styles={},
        names=names,
        panel=(2.6, 0.5 + 0.55 * len(algorithms)),
        share_rows=True,
    ) as (figure, panels):
        for axes, name in zip(panels, sets, strict=True):
            members = [cell for cell in scored if cell.test_set == name]
            edges = _edges(members)
            for place, algorithm in enumerate(algorithms):
                rounds = [cell for cell in members if cell.algorithm == algorithm]
                _draw_histograms(axes, len(algorithms) - 1 - place, rounds, edges)
            axes.set_xlabel(axis, fontsize=7.5)
            axes.set_xlim(edges[0], edges[-1])
            axes.tick_params(axis="both", labelsize=7)
            axes.grid(visible=False, axis="y")
        shown = [mathtext(names.get(name, name)) for name in reversed(algorithms)]
        panels[0].set_yticks(np.arange(len(algorithms)) + 0.4, shown)
        panels[0].set_ylim(0, len(algorithms))
    return figure


def _edges(cells: Sequence[ScoredCell]) -> FloatArray:
    """Return the edges of bins that hold all but the outermost scores, and every threshold."""
    values = np.concatenate([part for cell in cells for part in (cell.real, cell.fake)])
    thresholds = [limit for cell in cells for limit in (cell.threshold, cell.validation_threshold)]
    low, high = np.quantile(values.astype(np.float64), (0.002, 0.998))
    low, high = np.nanmin([low, *thresholds]), np.nanmax([high, *thresholds])
    margin = 0.02 * (high - low) or 0.5
    return np.linspace(low - margin, high + margin, _BINS + 1)


def _draw_histograms(
    axes: "Axes", base: int, rounds: Sequence[ScoredCell], edges: FloatArray
) -> None:
    """Draw the scores of both classes above a height, and the thresholds of each round."""
    for colour, parts in (
        (_REAL, [cell.real for cell in rounds]),
        (_FAKE, [cell.fake for cell in rounds]),
    ):
        # What lies outside is counted in the outermost bins: nothing is left out.
        inside = np.clip(np.concatenate(parts), edges[0], edges[-1])
        counts, _ = np.histogram(inside, edges)
        heights = base + 0.85 * counts / max(1, int(counts.max()))
        axes.stairs(heights, edges, baseline=base, fill=True, color=colour, alpha=0.45)
        axes.stairs(heights, edges, baseline=base, color=colour, linewidth=0.7)
    for cell in rounds:
        for place, dashes in ((cell.threshold, "-"), (cell.validation_threshold, (0, (3, 2)))):
            if not math.isnan(place):
                axes.plot([place, place], [base, base + 0.92], color="black", linewidth=0.9,
                          linestyle=dashes)  # fmt: skip
