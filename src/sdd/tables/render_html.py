"""Table 1 as one HTML page that needs nothing else: no script, no font, no request."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import pandas as pd

from sdd.files import atomic_path
from sdd.names import translate
from sdd.tables.layout import Layout, Row, arrange, grey, number_text, text_is_white

# On a narrow screen every row becomes a card, its error rates a grid under their column names:
# a table of sixteen columns cannot be read there, neither shrunk nor scrolled.
_STYLE = """
:root { color-scheme: light; --line: #1a1a1a; --hair: #c4c4c4; --quiet: #595959; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem; max-width: 76rem; background: #fff; color: #111;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1 { margin: 0 0 1.25rem; font-size: 1.25rem; line-height: 1.3; font-weight: 650; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; line-height: 1.3;
  border-top: 2px solid var(--line); border-bottom: 2px solid var(--line); }
thead th { font-weight: 600; padding: .35rem .4rem; vertical-align: bottom; }
td, tbody th { padding: .3rem .4rem; text-align: center; font-weight: 400; vertical-align: middle; }
thead tr:last-child > * { border-bottom: 1px solid var(--line); }
thead th[rowspan] { border-bottom: 1px solid var(--line); }
thead .group > span { display: block; padding-bottom: .25rem;
  border-bottom: 1px solid var(--hair); }
thead .name, tbody th { text-align: left; }
tbody th.model { font-weight: 600; white-space: nowrap; }
tbody th.algorithm { white-space: nowrap; }
tbody .rule > * { border-top: 1px solid var(--hair); }
tbody + tbody > tr:first-child > * { border-top: 1px solid var(--line); }
.eer { color: #000; font-variant-numeric: tabular-nums; }
.eer.dark { color: #fff; }
.eer.average { font-weight: 600; }
.eer.missing { color: var(--quiet); }
.eer small { display: block; font-size: .75em; font-weight: 400; }
/* A gap between the domains that leaves the rules whole, as a border would not. */
.eer.last { box-shadow: inset -.4rem 0 #fff; padding-right: .8rem; }
thead .last { padding-right: .8rem; }
.row { color: var(--quiet); font-variant-numeric: tabular-nums; }
sub { font-size: .75em; line-height: 0; }
.notes { margin-top: 1rem; color: #333; font-size: .875rem; max-width: 48rem; }
.notes p { margin: .25rem 0; }
.narrow { display: none; }
@media screen and (max-width: 46rem) {
  body { padding: 1rem .75rem; }
  h1 { font-size: 1.1rem; }
  table, tbody { display: block; }
  table { border: 0; }
  thead, .model, .training, td.row { display: none; }
  .narrow { display: block; font-size: .875rem; color: #333; }
  tbody tr { display: grid; grid-template-columns: repeat(var(--columns), 1fr); gap: .25rem .15rem;
    padding: .6rem 0 .8rem; border-top: 1px solid var(--hair); }
  tbody tr > *, tbody .rule > *, tbody + tbody > tr:first-child > * { border: 0; }
  tbody > tr:first-child { border-top: 2px solid var(--line); }
  tbody th.algorithm { grid-column: 1 / -1; padding: 0 0 .15rem; font-weight: 600; font-size: 1rem;
    white-space: normal; }
  tbody th.algorithm::before { content: attr(data-row) " "; display: block; font-weight: 400;
    font-size: .8rem; color: var(--quiet); }
  .eer, .eer.last { padding: .2rem 0; border-radius: .2rem; min-width: 0; box-shadow: none; }
  .eer::before { content: attr(data-column); display: block; font-size: .68rem; font-weight: 400;
    overflow-wrap: anywhere; }
  .eer.first { grid-column-start: 1; }
}
@media print {
  @page { size: landscape; margin: 10mm; }
  body { padding: 0; max-width: none; font-size: 8pt; line-height: 1.3; }
  h1 { margin-bottom: 6pt; font-size: 11pt; }
  table, .notes { font-size: 7.5pt; }
  table { line-height: 1.15; }
  thead th, td, tbody th { padding-top: 1.5pt; padding-bottom: 1.5pt; }
  tr { break-inside: avoid; }
  .eer { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{title_markup}</h1>
<p class="narrow">{cards}</p>
<table style="--columns: {columns}">
<thead>
{head}
</thead>
{body}
</table>
<div class="notes">
{notes}
</div>
</body>
</html>
"""


def write_html(
    table: pd.DataFrame,
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
        As `sdd.tables.assemble_table` returns it.
    path
        The .html file; replaced whole or not at all.
    title, notes
        Above and below the table.
    labels, group_titles
        See `sdd.tables.layout.arrange`.
    paper
        The paper's table: its values stand in small type under the measured ones where row and
        column match, and nowhere if none do.
    """
    layout = arrange(table, labels=labels, group_titles=group_titles, paper=paper)
    page = _PAGE.format(
        title=escape(_plain(title)),
        title_markup=_markup(title),
        style=_STYLE,
        cards="<br>".join(
            f"{place} numbers: {_markup(group.title)}."
            for place, group in zip(("Upper", "Lower"), layout.groups, strict=False)
        ),
        columns=min(6, max((len(group.columns) for group in layout.groups), default=1)),
        head="\n".join(_head(layout)),
        body="\n".join(_body(layout)),
        notes="\n".join(f"<p>{_markup(note)}</p>" for note in (layout.legend, *notes)),
    )
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _head(layout: Layout) -> list[str]:
    lines = ["<tr>", '<th rowspan="2" scope="col" class="name">Model</th>']
    lines += [f'<th rowspan="2" scope="col">{name}<br>train</th>' for name in ("Pre-", "Post-")]
    lines.append('<th rowspan="2" scope="col" class="name">Fine-<br>tune</th>')
    lines += [
        f'<th colspan="{len(group.columns)}" scope="colgroup" class="group first last">'
        f"<span>{_markup(group.title)}</span></th>"
        for group in layout.groups
    ]
    lines += ['<th rowspan="2" scope="col">Row<br>ID</th>', "</tr>", "<tr>"]
    for group in layout.groups:
        for position, column in enumerate(group.columns):
            edge = _edge(position, len(group.columns))
            lines.append(f'<th scope="col" class="{edge}">{_markup(column.heading)}</th>')
    return [*lines, "</tr>"]


def _body(layout: Layout) -> list[str]:
    lines: list[str] = []
    for row in layout.rows:
        if row.model_span:
            lines += ["</tbody>", "<tbody>"] if lines else ["<tbody>"]
        lines.append('<tr class="rule">' if row.training_span else "<tr>")
        lines += _row_cells(row, layout)
        lines.append("</tr>")
    return [*lines, "</tbody>"] if lines else lines


def _row_cells(row: Row, layout: Layout) -> list[str]:
    cells = []
    if row.model_span:
        cells.append(
            f'<th scope="rowgroup" class="model" rowspan="{row.model_span}">'
            f"{_markup(row.model)}</th>"
        )
    if row.training_span:
        cells += [
            f'<td class="training" rowspan="{row.training_span}">{escape(mark)}</td>'
            for mark in (row.pre_trained, row.post_trained)
        ]
    described = (
        f"Row {row.number} · {_plain(row.model)} · post-train {row.post_trained} · fine-tune:"
    )
    cells.append(
        f'<th scope="row" class="algorithm" data-row="{escape(described)}">'
        f"{_markup(row.algorithm)}</th>"
    )
    index = 0
    for group in layout.groups:
        for position, column in enumerate(group.columns):
            classes = [
                "eer",
                "average" if column.average else "",
                _edge(position, len(group.columns)),
            ]
            cells.append(
                _eer_cell(row.values[index], row.paper[index], classes, _plain(column.heading))
            )
            index += 1
    return [*cells, f'<td class="row">{row.number}</td>']


def _eer_cell(value: float, paper: float, classes: list[str], heading: str) -> str:
    shade = grey(value)
    if math.isnan(value):
        classes.append("missing")
    if text_is_white(shade):
        classes.append("dark")
    level = round(255 * shade)
    beside = "" if math.isnan(paper) else f"<small>{paper:.2f}</small>"
    return (
        f'<td class="{" ".join(filter(None, classes))}" data-column="{escape(heading)}" '
        f'style="background:#{level:02x}{level:02x}{level:02x}">{number_text(value)}{beside}</td>'
    )


def _edge(position: int, count: int) -> str:
    return {0: "first", count - 1: "last"}.get(position, "")


def _markup(text: str) -> str:
    return translate(text, escape, lambda piece: f"<sub>{piece}</sub>")


def _plain(text: str) -> str:
    return translate(text, str, str)
