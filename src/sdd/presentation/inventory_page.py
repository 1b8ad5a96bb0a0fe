"""The inventory as one HTML page that needs nothing else: no script, no font, no request."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from sdd.data.inventory.corpus import Count, Inventory
from sdd.data.inventory.findings import KINDS, Finding
from sdd.errors import one_line
from sdd.presentation.html_page import page
from sdd.runtime.atomic_files import atomic_path

# The page names so many findings of a kind; the table has all.
SHOWN = 50

_STYLE = """
:root { --bad: #a3180f; --good: #1d6b2f; }
body { max-width: 60rem; }
h1 { margin-bottom: .5rem; }
h2 { margin: 2.5rem 0 .25rem; font-size: 1.15rem; line-height: 1.3; font-weight: 650; }
h3 { margin: 1rem 0 0; font-size: 1rem; font-weight: 600; }
p { margin: .35rem 0; overflow-wrap: anywhere; }
.verdict { font-weight: 600; }
.fails { color: var(--bad); }
.runs { color: var(--good); }
.quiet { color: var(--quiet); font-size: .875rem; }
table { border-collapse: collapse; width: 100%; margin: .75rem 0; font-size: .9rem;
  line-height: 1.35; border-top: 2px solid var(--line); border-bottom: 2px solid var(--line); }
th, td { padding: .3rem .5rem .3rem 0; text-align: left; vertical-align: top; font-weight: 400; }
thead th { font-weight: 600; border-bottom: 1px solid var(--line); }
tbody tr + tr > * { border-top: 1px solid var(--hair); }
.number + td:not(.number), .number + th:not(.number) { padding-left: 1rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
ul { margin: .25rem 0 .5rem; padding-left: 1.2rem; font-size: .875rem; }
li { overflow-wrap: anywhere; }
li code { font: .95em ui-monospace, "SFMono-Regular", Menlo, monospace; white-space: pre-wrap; }
a { color: inherit; }
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
@media print { h2, h3 { break-after: avoid; } li, tr { break-inside: avoid; } }
"""

_OVERVIEW = ("corpus", "verdict", "files", "missing or unreadable", "failing", "notes")
_COUNTS = ("part", "utterances", "usable", "hours", "published", "said by")


def write_page(inventories: Sequence[Inventory], path: Path, *, experiment: str) -> None:
    """Write inventories as a page, all at once or not at all."""
    stopped = [inventory for inventory in inventories if inventory.obstacle]
    if stopped:
        verdict = (
            f'<p class="verdict fails">The experiment cannot run: {len(stopped)} of '
            f"{len(inventories)} corpora cannot be used.</p>"
        )
    else:
        verdict = (
            f'<p class="verdict runs">The experiment can run: all {len(inventories)} corpora '
            "that were looked at can be used.</p>"
        )
    body = [verdict, _overview(inventories), *map(_section, inventories)]
    text = page(f"Corpora of the experiment {experiment}", "\n".join(body), _STYLE)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _overview(inventories: Sequence[Inventory]) -> str:
    rows = []
    for inventory in inventories:
        effects = [finding.effect for finding in inventory.findings]
        fails = inventory.obstacle
        rows.append(
            [
                f'<a href="#{escape(inventory.corpus)}">{escape(inventory.corpus)}</a>',
                '<span class="fails">cannot be used</span>'
                if fails
                else '<span class="runs">can be used</span>',
                str(inventory.files),
                str(inventory.unusable_files),
                str(effects.count("fails")),
                str(effects.count("note")),
            ]
        )
    return _table(_OVERVIEW, rows, numbers=range(2, 6))


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: range) -> str:
    """Make a table of cells that are markup already."""
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


def _section(inventory: Inventory) -> str:
    release = inventory.release
    title = f"{inventory.corpus}: {release.title}" if release else inventory.corpus
    parts = [f'<h2 id="{escape(inventory.corpus)}">{escape(title)}</h2>']
    if inventory.obstacle:
        parts.append(f'<p class="verdict fails">Cannot be used: {escape(inventory.obstacle)}</p>')
    else:
        parts.append('<p class="verdict runs">Can be used.</p>')
    if release:
        parts.append(
            f'<p class="quiet">Get it from {escape(release.source)}. '
            f"Licence: {escape(release.licence)}.</p>"
        )
    if inventory.counts:
        parts.append(_table(_COUNTS, [_count(count) for count in inventory.counts], range(1, 5)))
    for kind, explained in KINDS.items():
        findings = [finding for finding in inventory.findings if finding.kind == kind]
        if findings:
            parts.append(f"<h3>{escape(explained.title)}: {len(findings)}</h3>")
            parts.append(f'<p class="quiet">{escape(explained.meaning)}</p>')
            parts.append(_list(findings))
    return "\n".join(parts)


def _count(count: Count) -> list[str]:
    published = count.published
    should = []
    if published and published.count is not None:
        should.append(f"{published.count:,}")
    if published and published.hours is not None:
        should.append(f"{published.hours:g} h")
    return [
        escape(count.part),
        f"{count.listed:,}",
        f"{count.found:,}",
        f"{count.hours:.2f}",
        ", ".join(should),
        escape(published.said_by) if published else "",
    ]


def _list(findings: Sequence[Finding]) -> str:
    items = [
        f"<li><code>{escape(one_line(finding.what))}</code>{_detail(finding)}</li>"
        for finding in findings[:SHOWN]
    ]
    if len(findings) > SHOWN:
        items.append(f"<li>and {len(findings) - SHOWN} more, which the table lists</li>")
    return "<ul>\n" + "\n".join(items) + "\n</ul>"


def _detail(finding: Finding) -> str:
    """Return the text of a finding, without the name of the file that it is about."""
    detail = finding.detail.removeprefix(finding.what).lstrip(": ")
    return f": {escape(one_line(detail))}" if detail else ""
