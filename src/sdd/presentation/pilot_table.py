"""The table of a pilot as text."""

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sdd.experiment.pilot import SCORING, TRAINING

WIDTH = 80
NAME_WIDTH = 26
TRAINING_COLUMNS = ("steps", "s each", "audio s/s", "peak GB")
TRAINING_WIDTHS = (7, 9, 11, 10)
SCORING_COLUMNS = ("audio s/s", "EER %", "95 %", "paper", "")
SCORING_WIDTHS = (10, 7, 13, 7, 17)
NOTES = (
    "Speeds in seconds of audio a second: of training on the largest batches, waiting for data "
    "included. EER: the post-trained detector as it is, on a sample of each set, beside the "
    "paper's row `none`. One interval of twenty misses by chance; if several do, or one by far, "
    "the data or the checkpoint are not the paper's: find out before you train."
)


def render_pilot(rows: Iterable[Mapping[str, Any]], title: str) -> str:
    """Write the rows of a pilot as text of 80 columns.

    Parameters
    ----------
    rows
        As `sdd.analysis.pilot.pilot_rows` returns them.
    """
    rows = list(rows)
    text = [title]
    for recipe in dict.fromkeys(row["recipe"] for row in rows):
        of_recipe = [row for row in rows if row["recipe"] == recipe]
        names = ", ".join(dict.fromkeys(row["device_name"] for row in of_recipe))
        text += ["", f"{recipe}, on {names}"[:WIDTH]]
        text += _part(of_recipe, TRAINING, TRAINING_COLUMNS, TRAINING_WIDTHS)
        text += _part(of_recipe, SCORING, SCORING_COLUMNS, SCORING_WIDTHS)
        text += ["", *_peaks(of_recipe)]
    return "\n".join([*text, "", *textwrap.wrap(NOTES, WIDTH)]) + "\n"


def _part(
    rows: Iterable[Mapping[str, Any]], work: str, columns: Sequence[str], widths: Sequence[int]
) -> list[str]:
    """Write a header and a line for each row of one kind of work; nothing where there is none."""
    rows = [row for row in rows if row["work"] == work]
    if not rows:
        return []
    header = f"{work:<{NAME_WIDTH}}" + _cells(columns, widths)
    values = _training_values if work == TRAINING else _scoring_values
    return ["", header.rstrip(), *(_line(row, values(row), widths) for row in rows)]


def _line(row: Mapping[str, Any], values: Sequence[str], widths: Sequence[int]) -> str:
    name = f"{row['model']} {row['name']}"
    return (f"{name:<{NAME_WIDTH}.{NAME_WIDTH}}" + _cells(values, widths)).rstrip()


def _cells(values: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(f"{value:>{width}}" for value, width in zip(values, widths, strict=True))


def _training_values(row: Mapping[str, Any]) -> list[str]:
    each = float(row["seconds"]) / int(row["steps"])
    return [str(row["steps"]), f"{each:.3g}", _speed(row), f"{float(row['peak_gb']):.1f}"]


def _scoring_values(row: Mapping[str, Any]) -> list[str]:
    low, high = float(row["low"]), float(row["high"])
    interval = "" if math.isnan(low) else f"{low:.1f} to {high:.1f}"
    paper = float(row["paper_percent"])
    return [
        _speed(row),
        f"{float(row['eer_percent']):.1f}",
        interval,
        "" if math.isnan(paper) else f"{paper:.2f}",
        str(row["verdict"]),
    ]


def _speed(row: Mapping[str, Any]) -> str:
    speed = float(row["speed"])
    return "?" if math.isnan(speed) else f"{speed:.0f}" if speed >= 100 else f"{speed:.3g}"


def _peaks(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Say which memory the peaks are of, and what scoring needed."""
    rows = list(rows)
    peaks = {row["model"]: row for row in rows if row["work"] == SCORING}
    lines = [f"Peaks are of {kind}." for kind in dict.fromkeys(row["peak_of"] for row in rows)]
    scoring = ", ".join(f"{model} {float(row['peak_gb']):.1f} GB" for model, row in peaks.items())
    return [*lines, f"Scoring took {scoring}."] if scoring else lines
