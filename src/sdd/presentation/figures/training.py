"""What happened in training: validation EER, reward and divergence over steps."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sdd.analysis.columns import IDENTITY
from sdd.experiment.cells import Cell
from sdd.presentation.figures.panels import panel_grid
from sdd.presentation.figures.style import FIGURE_LABELS, choose_styles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = ["step", "reward", "kl", "validation_eer"]
POINTS = 200
"""Points of a curve; a run has tens of thousands of steps."""


def read_histories(paths: Sequence[Path]) -> pd.DataFrame:
    """Read history.csv of cells.

    Parameters
    ----------
    paths
        Files in the folders of cells: ``.../{model}/{init}/{algorithm}/round{n}/history.csv``.

    Returns
    -------
    DataFrame
        model, init, algorithm, round, step, reward, kl, validation_eer (percent). Steps are means
        over at most `POINTS` stretches of the run; rows with a validation are single steps and have
        NaN for the rest.
    """
    frames = []
    for path in paths:
        cell = asdict(Cell.parse(path.parent))
        history = pd.read_csv(path, usecols=_COLUMNS)
        size = max(1, math.ceil(len(history) / POINTS))
        means = history[["step", "reward", "kl"]].groupby(np.arange(len(history)) // size).mean()
        validations = history.loc[history["validation_eer"].notna(), ["step", "validation_eer"]]
        validations = validations.assign(validation_eer=100 * validations["validation_eer"])
        frames += [means.assign(**cell), validations.assign(**cell)]
    columns = [*IDENTITY, "round", *_COLUMNS]
    return pd.concat(frames).reindex(columns=columns) if frames else pd.DataFrame(columns=columns)


def starting_points(rates: Iterable[Mapping[str, Any]], starts: Mapping[str, str]) -> pd.DataFrame:
    """Return what the validation EER of each cell is before its training: that of its start.

    Parameters
    ----------
    rates
        Rows of eer.csv of cells (`sdd.analysis.cell_tables.read_cells`), those that others start
        from among them; of a start that is not there, or whose validation set is not scored, there
        is no point.
    starts
        The cell that each cell starts from, by path.

    Returns
    -------
    DataFrame
        Rows of `read_histories`, at step 0.
    """
    known = {}
    for row in rates:
        path = Cell(row["model"], row["init"], row["algorithm"], row["round"]).path
        known[path] = float(row.get("validation_eer_percent") or math.nan)
    rows = [
        {**asdict(Cell.parse(cell)), "step": 0, "validation_eer": known[start]}
        for cell, start in starts.items()
        if not math.isnan(known.get(start, math.nan))
    ]
    return pd.DataFrame(rows, columns=[*IDENTITY, "round", *_COLUMNS])


def plot_learning_curves(
    histories: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    title: str,
    notes: str = "",
    columns: int = 2,
) -> "Figure":
    """Draw the validation EER over steps, a panel for each model and start.

    Parameters
    ----------
    histories
        As `read_histories` returns it, with `starting_points`.
    labels
        Shown text of models and algorithms.
    title, notes
        Above, and at the end of the caption.
    """
    caption = (
        "EER on the validation set (%). Lines: mean over rounds; dots: single rounds. The weights "
        "of the lowest are kept (recipe: selection). Step 0: the weights that training starts "
        "from, by their scores of the validation set, whole and clean."
    )
    return _plot(
        histories.dropna(subset="validation_eer"),
        ["validation_eer"],
        {"validation_eer": ("validation", "EER (%)")},
        labels=labels,
        title=title,
        caption=f"{caption} {notes}".strip(),
        columns=columns,
        dots=True,
    )


def plot_reward_and_kl(
    histories: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    title: str,
    notes: str = "",
    columns: int = 2,
) -> "Figure":
    """Draw the mean reward and the divergence from the reference over steps.

    Parameters are those of `plot_learning_curves`; algorithms without rewards are left out.
    """
    caption = (
        "Reward: share of sampled labels that are correct. KL: divergence from the reference "
        f"policy, as in the loss. Mean over rounds, and over stretches of a run ({POINTS} at most)."
    )
    return _plot(
        histories.dropna(subset="reward"),
        ["reward", "kl"],
        {"reward": ("reward", "reward"), "kl": ("KL", "KL (nats)")},
        labels=labels,
        title=title,
        caption=f"{caption} {notes}".strip(),
        columns=columns,
        dots=False,
    )


def _plot(
    data: pd.DataFrame,
    values: Sequence[str],
    units: Mapping[str, tuple[str, str]],
    *,
    labels: Mapping[str, str],
    title: str,
    caption: str,
    columns: int,
    dots: bool,
) -> "Figure":
    """Draw a grid with a panel for each model, start and value, a curve for each algorithm."""
    names = {**FIGURE_LABELS, **labels}
    starts = list(dict.fromkeys(zip(data["model"], data["init"], strict=True)))
    panels = [(model, init, value) for model, init in starts for value in values]
    titles = [
        f"{names.get(model, model)}, {init}-trained"
        + (f": {units[value][0]}" if len(values) > 1 else "")
        for model, init, value in panels
    ] or ["nothing was trained"]
    styles = choose_styles(data["algorithm"])
    with panel_grid(
        titles, columns=columns, title=title, caption=caption, styles=styles, names=names
    ) as (figure, all_axes):
        for axes, (model, init, value) in zip(all_axes, panels, strict=False):
            part = data[(data["model"] == model) & (data["init"] == init)]
            for algorithm, group in part.groupby("algorithm", sort=False):
                style = styles[str(algorithm)]
                mean = group.groupby("step")[value].mean()
                axes.plot(mean.index, mean, color=style.colour, linestyle=style.dashes,
                          linewidth=min(style.width, 2.2))  # fmt: skip
                if dots:
                    axes.plot(group["step"], group[value], color=style.colour, linestyle="",
                              marker=style.marker, markersize=3.2)  # fmt: skip
            # From the start, also where nothing is known of it.
            axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
            axes.set_xlabel("step", fontsize=8)
            axes.set_ylabel(units[value][1], fontsize=8)
    return figure
