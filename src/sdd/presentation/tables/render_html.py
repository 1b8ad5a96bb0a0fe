"""Table 1 as one HTML page that needs nothing else: no script, no font, no request."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import pandas as pd

from sdd.presentation.html_page import markup, page, plain
from sdd.presentation.html_page import notes as paragraphs
from sdd.presentation.tables.arrangement import Arrangement, Row, Shown, as_arrangement
from sdd.runtime.atomic_files import atomic_path

# On a narrow screen every row becomes a card, its error rates a grid under their column names:
# a table of sixteen columns cannot be read there, neither shrunk nor scrolled.
TABLE_STYLE = """
table.eers { border-collapse: collapse; width: 100%; font-size: .875rem; line-height: 1.3;
  border-top: 2px solid var(--line); border-bottom: 2px solid var(--line); }
.eers thead th { font-weight: 600; padding: .35rem .4rem; vertical-align: bottom; }
.eers td, .eers tbody th { padding: .3rem .4rem; text-align: center; font-weight: 400;
  vertical-align: middle; }
.eers thead tr:last-child > * { border-bottom: 1px solid var(--line); }
.eers thead th[rowspan] { border-bottom: 1px solid var(--line); }
.eers thead .group > span { display: block; padding-bottom: .25rem;
  border-bottom: 1px solid var(--hair); }
.eers thead .name, .eers tbody th { text-align: left; }
.eers tbody th.model { font-weight: 600; white-space: nowrap; }
.eers tbody th.algorithm { min-width: 5.5rem; }
.eers tbody .rule > * { border-top: 1px solid var(--hair); }
.eers tbody + tbody > tr:first-child > * { border-top: 1px solid var(--line); }
.eers .eer { color: #000; font-variant-numeric: tabular-nums; }
.eers .eer.dark { color: #fff; }
.eers .eer.average { font-weight: 600; }
.eers .eer.missing { color: var(--quiet); }
.eers .eer small { display: block; font-size: .75em; font-weight: 400; }
/* What stands in the cells on demand: a switch before the table shows it, without any script. */
.eers .eer .more { display: none; }
.on-demand { margin: 0 0 .6rem; font-size: .875rem; }
.on-demand summary { cursor: pointer; color: #005b96; width: fit-content; }
.on-demand p { margin: .3rem 0 0; color: #333; max-width: 48rem; }
.on-demand[open] + .eers .more { display: block; }
/* A gap between the domains that leaves the rules whole, as a border would not. */
.eers .eer.last { box-shadow: inset -.4rem 0 #fff; padding-right: .8rem; }
.eers thead .last { padding-right: .8rem; }
.eers .row { color: var(--quiet); white-space: nowrap; font-variant-numeric: tabular-nums; }
.narrow { display: none; }
@media screen and (max-width: 46rem) {
  table.eers, .eers tbody { display: block; }
  table.eers { border: 0; }
  .eers thead, .eers .model, .eers .training, .eers td.row { display: none; }
  .narrow { display: block; font-size: .875rem; color: #333; }
  .eers tbody tr { display: grid; grid-template-columns: repeat(var(--columns), 1fr);
    gap: .25rem .15rem; padding: .6rem 0 .8rem; border-top: 1px solid var(--hair); }
  .eers tbody tr > *, .eers tbody .rule > *, .eers tbody + tbody > tr:first-child > * { border: 0; }
  .eers tbody > tr:first-child { border-top: 2px solid var(--line); }
  .eers tbody th.algorithm { grid-column: 1 / -1; padding: 0 0 .15rem; font-weight: 600;
    font-size: 1rem; white-space: normal; }
  .eers tbody th.algorithm::before { content: attr(data-row) " "; display: block; font-weight: 400;
    font-size: .8rem; color: var(--quiet); }
  .eers .eer, .eers .eer.last { padding: .2rem 0; border-radius: .2rem; min-width: 0;
    box-shadow: none; }
  .eers .eer::before { content: attr(data-column); display: block; font-size: .68rem;
    font-weight: 400; overflow-wrap: anywhere; }
  .eers .eer.first { grid-column-start: 1; }
}
@media print {
  @page { size: landscape; margin: 10mm; }
  body { padding: 0; max-width: none; font-size: 8pt; line-height: 1.3; }
  h1 { margin-bottom: 6pt; font-size: 11pt; }
  table.eers, .notes { font-size: 7.5pt; }
  .on-demand:not([open]) { display: none; }
  table.eers { line-height: 1.15; }
  .eers thead th, .eers td, .eers tbody th { padding-top: 1.5pt; padding-bottom: 1.5pt; }
  .eers tr { break-inside: avoid; }
  .eers .eer { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
"""


def write_html(
    table: pd.DataFrame | Arrangement,
    path: Path | str,
    *,
    title: str,
    notes: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    group_titles: tuple[str, str] | None = None,
    paper: pd.DataFrame | None = None,
) -> None:
    """Write a table as a self-contained HTML page, for wide and narrow screens and for print.

    Parameters
    ----------
    table
        As `sdd.analysis.table1.assemble_table` returns it, or an arrangement of one.
    paper
        The paper's table: its values stand in small type under the measured ones where row and
        column match, and nowhere if none do.
    """
    arrangement = as_arrangement(table, labels=labels, group_titles=group_titles, paper=paper)
    body = table_fragment(arrangement, notes)
    with atomic_path(path) as temporary:
        temporary.write_text(page(title, body, TABLE_STYLE), encoding="utf-8")


def table_fragment(arrangement: Arrangement, notes: Sequence[str] = ()) -> str:
    """Return a table and its notes as HTML; it needs `TABLE_STYLE`."""
    columns = min(6, max((len(group.columns) for group in arrangement.groups), default=1))
    cards = "<br>".join(
        f"{place} numbers: {markup(group.title)}."
        for place, group in zip(("Upper", "Lower"), arrangement.groups, strict=False)
    )
    parts = [
        f'<p class="narrow">{cards}</p>',
        *_switch(arrangement),
        f'<table class="eers" style="--columns: {columns}">',
        "<thead>",
        *_head(arrangement),
        "</thead>",
        *_body(arrangement),
        "</table>",
        paragraphs([arrangement.legend, *notes]),
    ]
    return "\n".join(parts)


def _switch(arrangement: Arrangement) -> list[str]:
    """Return what shows more in each cell, if there is more."""
    if not arrangement.has_more:
        return []
    asked, about = map(markup, arrangement.on_demand)
    return [f'<details class="on-demand"><summary>{asked}</summary><p>{about}</p></details>']


def _head(arrangement: Arrangement) -> list[str]:
    lines = ["<tr>", '<th rowspan="2" scope="col" class="name">Model</th>']
    lines += [f'<th rowspan="2" scope="col">{name}<br>train</th>' for name in ("Pre-", "Post-")]
    lines.append('<th rowspan="2" scope="col" class="name">Fine-<br>tune</th>')
    lines += [
        f'<th colspan="{len(group.columns)}" scope="colgroup" class="group first last">'
        f"<span>{markup(group.title)}</span></th>"
        for group in arrangement.groups
    ]
    lines += ['<th rowspan="2" scope="col">Row<br>ID</th>', "</tr>", "<tr>"]
    for group in arrangement.groups:
        for position, column in enumerate(group.columns):
            edge = _edge(position, len(group.columns))
            lines.append(f'<th scope="col" class="{edge}">{markup(column.heading)}</th>')
    return [*lines, "</tr>"]


def _body(arrangement: Arrangement) -> list[str]:
    lines: list[str] = []
    for row in arrangement.rows:
        if row.model_span:
            lines += ["</tbody>", "<tbody>"] if lines else ["<tbody>"]
        lines.append('<tr class="rule">' if row.training_span else "<tr>")
        lines += _row_cells(row, arrangement)
        lines.append("</tr>")
    return [*lines, "</tbody>"] if lines else lines


def _row_cells(row: Row, arrangement: Arrangement) -> list[str]:
    """Return the cells of a row; one that a merged cell above covers is left out."""
    cells = []
    if row.model_span:
        cells.append(
            f'<th scope="rowgroup" class="model" rowspan="{row.model_span}">'
            f"{markup(row.model)}</th>"
        )
    if row.training_span:
        cells += [
            f'<td class="training" rowspan="{row.training_span}">{escape(mark)}</td>'
            for mark in (row.pre_trained, row.post_trained)
        ]
    # On a narrow screen a row is a block of its own, without the names that it shares.
    described = (
        f"Row {row.number} · {plain(row.model)} · post-train {row.post_trained} · fine-tune:"
    )
    cells.append(
        f'<th scope="row" class="algorithm" data-row="{escape(described)}">'
        f"{markup(row.algorithm)}</th>"
    )
    shown = iter(row.cells)
    for group in arrangement.groups:
        for position, column in enumerate(group.columns):
            classes = [
                "eer",
                "average" if column.average else "",
                _edge(position, len(group.columns)),
            ]
            cells.append(_eer_cell(next(shown), classes, plain(column.heading)))
    return [*cells, f'<td class="row">{row.number}</td>']


def _eer_cell(cell: Shown, classes: list[str], heading: str) -> str:
    if cell.missing:
        classes.append("missing")
    if cell.white:
        classes.append("dark")
    colour = "".join(f"{round(255 * part):02x}" for part in cell.colour)
    small = "".join(f"<small>{escape(line)}</small>" for line in cell.below)
    small += "".join(f'<small class="more">{escape(line)}</small>' for line in cell.more)
    return (
        f'<td class="{" ".join(filter(None, classes))}" data-column="{escape(heading)}" '
        f'style="background:#{colour}">{escape(cell.text)}{small}</td>'
    )


def _edge(position: int, count: int) -> str:
    return {0: "first", count - 1: "last"}.get(position, "")
