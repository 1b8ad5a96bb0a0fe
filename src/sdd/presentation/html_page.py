"""Pages that need nothing else: no script, no font, no request."""

import re
from collections.abc import Sequence
from html import escape

from sdd.presentation.labels import translate

BASE_STYLE = """
:root { color-scheme: light; --line: #1a1a1a; --hair: #c4c4c4; --quiet: #595959; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem; max-width: 76rem; background: #fff; color: #111;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1 { margin: 0 0 1.25rem; font-size: 1.25rem; line-height: 1.3; font-weight: 650; }
sub { font-size: .75em; line-height: 0; }
.notes { margin-top: 1rem; color: #333; font-size: .875rem; max-width: 48rem; }
.notes p { margin: .25rem 0; }
@media screen and (max-width: 46rem) {
  body { padding: 1rem .75rem; }
  h1 { font-size: 1.1rem; }
}
/* Paper cannot be unfolded or scrolled: all of it stands there. */
@media print {
  @page { margin: 12mm; }
  :root { font-size: 8.5pt; }
  body { padding: 0; max-width: none; }
  h1, h2, h3, h4, summary { break-after: avoid; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
"""

TABLE_STYLE = """
table { border-collapse: collapse; width: 100%; margin: .75rem 0; font-size: .9rem;
  line-height: 1.35; border-top: 2px solid var(--line); border-bottom: 2px solid var(--line); }
th, td { padding: .3rem .5rem .3rem 0; text-align: left; vertical-align: top; font-weight: 400; }
thead th { font-weight: 600; border-bottom: 1px solid var(--line); }
tbody tr + tr > * { border-top: 1px solid var(--hair); }
.number + td:not(.number), .number + th:not(.number) { padding-left: 1rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
@media screen and (max-width: 40rem) {
  thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  table, tbody, tr, th, td { display: block; border: 0; }
  tbody tr { padding: .4rem 0; }
  tbody tr + tr { border-top: 1px solid var(--hair); }
  tbody tr + tr > * { border: 0; }
  tbody th { font-weight: 600; }
  th, td, .number + td:not(.number) { padding: 0; }
  td, td.number { text-align: left; white-space: normal; }
  td:not(:empty)::before { content: attr(data-column) ": "; color: var(--quiet); }
  td:empty { display: none; }
}
"""

# The policy forbids what the page does not do anyway: nothing is fetched, nothing runs.
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
{body}
</body>
</html>
"""


def page(title: str, body: str, *styles: str) -> str:
    """Return a page as HTML.

    Parameters
    ----------
    title
        Shown text, as in `sdd.presentation.labels`.
    *styles
        CSS of the body's parts, after the common one.
    """
    return _PAGE.format(
        title=escape(plain(title)),
        title_markup=markup(title),
        style=BASE_STYLE + "".join(styles),
        body=body,
    )


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: range) -> str:
    """Return a table of cells that are markup already; `TABLE_STYLE` is made for it.

    Parameters
    ----------
    numbers
        Columns of numbers, which are aligned on the right.
    """
    classes = [' class="number"' if index in numbers else "" for index in range(len(columns))]
    head = "".join(
        f"<th scope=col{kind}>{escape(name)}</th>"
        for name, kind in zip(columns, classes, strict=True)
    )
    lines = [f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>"]
    for first, *others in rows:
        cells = "".join(
            f'<td{kind} data-column="{escape(name)}">{cell}</td>'
            for name, kind, cell in zip(columns[1:], classes[1:], others, strict=True)
        )
        lines.append(f"<tr><th scope=row>{first}</th>{cells}</tr>")
    return "\n".join([*lines, "</tbody>\n</table>"])


def notes(texts: Sequence[str]) -> str:
    """Return paragraphs of small type."""
    lines = "\n".join(f"<p>{markup(text)}</p>" for text in texts)
    return f'<div class="notes">\n{lines}\n</div>'


def markup(text: str) -> str:
    """Return a shown text as HTML."""
    return translate(text, escape, lambda piece: f"<sub>{piece}</sub>")


def plain(text: str) -> str:
    """Return a shown text without subscripts, not escaped."""
    return translate(text, str, str)


def signed(text: str) -> str:
    """Write the numbers of a text with a minus sign in place of the hyphen."""
    return re.sub(r"(?<![0-9A-Za-z])-(?=[0-9])", "−", text)
