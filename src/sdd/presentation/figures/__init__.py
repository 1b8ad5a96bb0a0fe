"""Figures: the paper's Figure 2, and what the paper does not show.

`drift_profiles` draws Figure 2; `training` what happened in training; `results` error rates against
drift, DET curves and the spread of rounds; `style` is how all of them look.
"""

from sdd.presentation.figures.figure2 import DRIFT_COLUMNS, drift_caption, plot_drift
from sdd.presentation.figures.style import FIGURE_LABELS, Style, mathtext, own_style, save_figure

__all__ = [
    "DRIFT_COLUMNS",
    "FIGURE_LABELS",
    "Style",
    "drift_caption",
    "mathtext",
    "own_style",
    "plot_drift",
    "save_figure",
]
