"""What fine-tuning gains and loses: EERs along training, and changes against divergence."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sdd.analysis.columns import IN_DOMAIN_AVERAGE, OUT_OF_DOMAIN_AVERAGE
from sdd.analysis.trade_off import ALL, IN_DOMAIN_CHANGE, OUT_OF_DOMAIN_CHANGE
from sdd.presentation.figures.panels import panel_grid
from sdd.presentation.figures.style import FIGURE_LABELS, Style, choose_styles, save_figure
from sdd.presentation.numbers import decimals, interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RUN = ["algorithm", "learning_rate", "round"]
SMALLEST, LARGEST = 2.5, 6.5
"""Points of markers, of the first and of the last step."""
_PANEL = (3.1, 2.9)


def draw_trade_off(
    points: pd.DataFrame,
    correlations: Sequence[Mapping[str, Any]],
    target: Path,
    contents: Mapping[str, Any],
) -> list[str]:
    """Draw both figures, each as NAME.png, NAME.pdf and NAME_narrow.png.

    Parameters
    ----------
    points, correlations
        Rows of `sdd.analysis.trade_off`.
    target
        Where the figures go.
    contents
        As `sdd.experiment.contents.trade_off` returns it.
    """
    words = {key: contents[key] for key in ("labels", "domains", "title")}
    notes = " ".join(contents["notes"])
    rates = points["learning_rate"].nunique()
    for columns, suffix, endings in (
        (min(3, rates), "", (".png", ".pdf")),
        (1, "_narrow", (".png",)),
    ):
        figures = {
            "trade_off": plot_trade_off(points, columns=columns, notes=notes, **words),
            "change_against_kl": plot_change_against_kl(
                points, correlations, columns=min(2, columns + 1) if not suffix else 1,
                notes=notes, **words,
            ),
        }  # fmt: skip
        for name, figure in figures.items():
            save_figure(figure, [target / f"{name}{suffix}{ending}" for ending in endings])
    return ["trade_off", "change_against_kl"]


def plot_trade_off(
    points: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    domains: Sequence[str],
    title: str,
    notes: str = "",
    columns: int = 3,
) -> "Figure":
    """Draw out-of-domain against in-domain EER along training, a panel for each learning rate.

    Parameters
    ----------
    points
        Rows of `sdd.analysis.trade_off.measure_trade_off`.
    labels
        Shown text of algorithms.
    domains
        Titles of the in-domain and the out-of-domain sets.
    title, notes
        Above, and at the end of the caption.
    """
    rates = sorted(points["learning_rate"].unique())
    steps = sorted(points["step"].unique())
    styles = choose_styles(points["algorithm"])
    shown = ", ".join(str(step) for step in steps if step)
    several = points["round"].nunique() > 1
    caption = (
        f"Lines: {'means over rounds' if several else 'one round'}, from the start (crosses) over "
        f"steps {shown}, with markers that grow{'; small dots: single rounds' if several else ''}. "
        "Down and left is better. Mean EERs of a domain's sets; all panels have the same axes. "
        f"{notes}"
    )
    with panel_grid(
        [f"learning rate {rate:g}" for rate in rates],
        columns=columns,
        title=title,
        caption=caption.strip(),
        styles=styles,
        names={**FIGURE_LABELS, **labels},
        markers=True,
        panel=_PANEL,
    ) as (figure, panels):
        for axes, rate in zip(panels, rates, strict=True):
            part = points[points["learning_rate"] == rate]
            for algorithm, group in part.groupby("algorithm", sort=False):
                _draw_path(axes, group, styles[str(algorithm)], len(steps))
            axes.set_xlabel(f"{domains[0]}: EER (%)", fontsize=8)
            axes.set_ylabel(f"{domains[1]}: EER (%)", fontsize=8)
        _share_limits(panels)
    return figure


def _draw_path(axes: "Axes", group: pd.DataFrame, style: Style, steps: int) -> None:
    """Draw the mean over rounds of one algorithm at one rate, and its rounds."""
    x, y = IN_DOMAIN_AVERAGE, OUT_OF_DOMAIN_AVERAGE
    mean = group.groupby("step")[[x, y]].mean()
    axes.plot(mean[x], mean[y], color=style.colour, linestyle=style.dashes, linewidth=1.3)
    if group["round"].nunique() > 1:
        axes.plot(group[x], group[y], color=style.colour, linestyle="", marker=".",
                  markersize=2.5, alpha=0.6)  # fmt: skip
    axes.plot(mean[x].iloc[:1], mean[y].iloc[:1], color="#444444", linestyle="", marker="x",
              markersize=6, zorder=4)  # fmt: skip
    for number, (_, row) in enumerate(mean.iloc[1:].iterrows()):
        size = SMALLEST + (LARGEST - SMALLEST) * number / max(1, steps - 2)
        axes.plot(row[x], row[y], color=style.colour, linestyle="", marker=style.marker or "o",
                  markersize=size, zorder=3)  # fmt: skip


def _share_limits(panels: Sequence["Axes"]) -> None:
    horizontal = [axes.get_xlim() for axes in panels]
    vertical = [axes.get_ylim() for axes in panels]
    for axes in panels:
        axes.set_xlim(min(low for low, _ in horizontal), max(high for _, high in horizontal))
        axes.set_ylim(min(low for low, _ in vertical), max(high for _, high in vertical))


def plot_change_against_kl(
    points: pd.DataFrame,
    correlations: Sequence[Mapping[str, Any]],
    *,
    labels: Mapping[str, str],
    domains: Sequence[str],
    title: str,
    notes: str = "",
    columns: int = 2,
) -> "Figure":
    """Draw the change of EER in each domain against the divergence from the start.

    Parameters
    ----------
    points, correlations
        Rows of `sdd.analysis.trade_off`.
    labels, domains, title, notes
        As for `plot_trade_off`.
    """
    styles = choose_styles(points["algorithm"])
    changes = {OUT_OF_DOMAIN_CHANGE: domains[1], IN_DOMAIN_CHANGE: domains[0]}
    caption = (
        "Each marker: one run after one step, a thin line joins those of a run. KL(weights || "
        "start): mean over the validation set, exact for the two labels. Above zero: worse than "
        "at the start. Rank correlations, with 95 % intervals over runs: "
        f"{' '.join(_words(correlations, changes))} {notes}"
    )
    with panel_grid(
        list(changes.values()),
        columns=columns,
        title=title,
        caption=caption.strip(),
        styles=styles,
        names={**FIGURE_LABELS, **labels},
        markers=True,
        panel=_PANEL,
    ) as (figure, panels):
        for axes, change in zip(panels, changes, strict=True):
            _draw_changes(axes, points[points["step"] > 0], change, styles)
    return figure


def _draw_changes(
    axes: "Axes", moved: pd.DataFrame, change: str, styles: Mapping[str, Style]
) -> None:
    axes.axhline(0.0, color="#888888", linewidth=0.8)
    for (algorithm, _, _), run in moved.groupby(RUN, sort=False):
        style = styles[str(algorithm)]
        axes.plot(run["kl"], run[change], color=style.colour, linewidth=0.5, alpha=0.5)
        axes.plot(run["kl"], run[change], color=style.colour, linestyle="",
                  marker=style.marker or "o", markersize=4)  # fmt: skip
    positive = moved.loc[moved["kl"] > 0, "kl"]
    if len(positive) == len(moved):
        axes.set_xscale("log")
    elif len(positive):
        # A schedule may begin at a rate of zero, where nothing has moved yet.
        axes.set_xscale("symlog", linthresh=positive.min())
    axes.set_xlabel("KL from the start (nats)", fontsize=8)
    axes.set_ylabel("change of EER (percentage points)", fontsize=8)


def _words(correlations: Sequence[Mapping[str, Any]], changes: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence of the rank correlations of each change with the divergence, all runs."""
    for row in correlations:
        if row["algorithms"] == ALL and row["x"] == "kl" and row["y"] in changes:
            rho, tau = (correlation_text(row, name) for name in ("spearman", "kendall"))
            yield f"{changes[row['y']]}: Spearman {rho}, Kendall {tau}, {row['runs']} runs."


def correlation_text(row: Mapping[str, Any], name: str) -> str:
    """Return a correlation and its interval as text."""
    value, low, high = (float(row[key]) for key in (name, f"{name}_low", f"{name}_high"))
    return f"{decimals(value)} {interval(low, high)}".strip()
