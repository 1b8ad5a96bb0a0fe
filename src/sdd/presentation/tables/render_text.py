"""Table 1 for a terminal of 80 columns: of each row the averages and their intervals."""

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sdd.analysis.columns import AVERAGES
from sdd.analysis.table1 import domain_columns, identities
from sdd.presentation.labels import translate
from sdd.presentation.numbers import interval
from sdd.presentation.tables.arrangement import arrange_rows, number_text
from sdd.runtime.atomic_files import atomic_path

COLUMNS = 80
_HEADINGS = ("In-\ndomain", "Out-of-\ndomain")
_LEGEND = (
    "Average EER in percent of the domain's test sets, mean over rounds; in brackets its 95 % "
    "interval. Init: post-trained or only pre-trained. A dash: not measured."
)


def write_text(
    table: pd.DataFrame,
    intervals: Iterable[Mapping[str, Any]],
    path: Path | str,
    *,
    title: str,
    notes: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
) -> None:
    """Write the averages of a table as text of 80 columns; parameters are those of `text_table`."""
    text = text_table(table, intervals, title=title, notes=notes, labels=labels)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def text_table(
    table: pd.DataFrame,
    intervals: Iterable[Mapping[str, Any]],
    *,
    title: str,
    notes: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
) -> str:
    """Render the averages of a table as text of 80 columns.

    Parameters
    ----------
    table
        As `sdd.analysis.table1.assemble_table` returns it.
    intervals
        Rows of intervals.csv.
    """
    console = Console(file=io.StringIO(), width=COLUMNS, color_system=None, force_terminal=False)
    with console.capture() as captured:
        for line in (title, "", _table(table, intervals, labels), "", _LEGEND, *notes):
            console.print(line, markup=False, highlight=False, emoji=False)
    return "\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n"


def _table(
    table: pd.DataFrame,
    intervals: Iterable[Mapping[str, Any]],
    labels: Mapping[str, str] | None,
) -> Table:
    known = {
        (row["model"], row["init"], row["algorithm"], row["test_set"]): interval(
            float(row["low"] or math.nan), float(row["high"] or math.nan)
        )
        for row in intervals
    }
    domains = zip(_HEADINGS, AVERAGES, domain_columns(table), strict=True)
    shown = [(heading, average) for heading, average, sets in domains if sets]
    drawn = Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)
    for heading in ("ID", "Model", "Init", "Fine-tune"):
        drawn.add_column(heading, overflow="fold")
    for heading, _ in shown:
        drawn.add_column(heading, justify="right", no_wrap=True)
        drawn.add_column("95 %\ninterval", no_wrap=True)
    arranged = arrange_rows(table, [()] * len(table), labels)
    for row, identity, (_, values) in zip(
        arranged, identities(table), table.iterrows(), strict=True
    ):
        if row.model_span and row is not arranged[0]:
            drawn.add_section()
        cells = [
            text
            for _, average in shown
            for text in (number_text(float(values[average])), known.get((*identity, average), ""))
        ]
        model = row.model if row.model_span else ""
        names = (str(row.number), model, identity[1], row.algorithm)
        drawn.add_row(*(_plain(name) for name in (*names, *cells)))
    return drawn


def _plain(text: str) -> str:
    """Write a shown text without markup: brackets stay, a subscript follows an underscore."""
    return escape(translate(text, str, lambda below: f"_{below}"))
