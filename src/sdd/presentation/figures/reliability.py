"""Reliability diagrams: what share of trials is fake, beside what was stated of them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sdd.metrics.reliability import BINS, reliability
from sdd.presentation.figures.panels import panel_grid
from sdd.presentation.figures.style import FIGURE_LABELS, choose_styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FloatArray = NDArray[np.float64]
Curve = tuple[str, FloatArray, FloatArray]
"""Algorithm (or what the curve is of), stated and found probability."""

_CAPTION = (
    f"Up to {BINS} groups of trials, by the probability of fake that is stated of them, classes "
    "weighed alike: mean stated probability, and share of fakes. On the diagonal what is stated "
    "comes true; where a curve is nearer to one half than it, the detector is too sure."
)


def reliability_curve(name: str, real: FloatArray, fake: FloatArray) -> Curve:
    """Return a curve of the natural-log likelihood ratios of both classes."""
    return (name, *reliability(real, fake))


def plot_reliability(
    groups: Sequence[tuple[str, Sequence[Curve]]],
    *,
    labels: Mapping[str, str],
    title: str,
    notes: str = "",
    columns: int = 3,
) -> "Figure":
    """Draw the reliability of probabilities, a panel for each test set.

    Parameters
    ----------
    groups
        Test sets, and the curves of each.
    labels
        Shown text of algorithms and test sets.
    title, notes
        Above, and at the end of the caption.
    """
    names = {**FIGURE_LABELS, **labels}
    styles = choose_styles(name for _, curves in groups for name, _, _ in curves)
    with panel_grid(
        [names.get(name, name) for name, _ in groups],
        columns=columns,
        title=title,
        caption=f"{_CAPTION} {notes}".strip(),
        styles=styles,
        names=names,
        panel=(2.4, 2.3),
    ) as (figure, panels):
        for axes, (_, curves) in zip(panels, groups, strict=True):
            _set_probabilities(axes)
            for name, stated, found in curves:
                style = styles[name]
                axes.plot(stated, found, color=style.colour, linestyle=style.dashes,
                          linewidth=min(style.width, 2.6), marker="o", markersize=2.5)  # fmt: skip
    return figure


def _set_probabilities(axes: "Axes") -> None:
    axes.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=0.7)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.tick_params(axis="both", labelsize=7)
    axes.set_xlabel("stated probability of fake", fontsize=7.5)
    axes.set_ylabel("share of fakes", fontsize=7.5)
