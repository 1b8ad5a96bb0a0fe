"""The inventory as one HTML page that needs nothing else: no script, no font, no request."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from sdd.data.inventory.corpus import Count, Inventory
from sdd.data.inventory.findings import KINDS, Finding
from sdd.errors import one_line
from sdd.presentation.html_page import TABLE_STYLE, page, table
from sdd.presentation.shortcuts_page import SHORTCUTS_STYLE, shortcuts_fragment
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
ul { margin: .25rem 0 .5rem; padding-left: 1.2rem; font-size: .875rem; }
li { overflow-wrap: anywhere; }
li code { font: .95em ui-monospace, "SFMono-Regular", Menlo, monospace; white-space: pre-wrap; }
a { color: inherit; }
@media print { h2, h3 { break-after: avoid; } li, tr { break-inside: avoid; } }
"""

_OVERVIEW = ("corpus", "verdict", "files", "missing or unreadable", "failing", "notes")
_COUNTS = ("part", "utterances", "usable", "hours", "published", "said by")


def write_page(
    inventories: Sequence[Inventory],
    path: Path,
    *,
    experiment: str,
    shortcuts: Iterable[Mapping[str, str]] = (),
    labels: Mapping[str, str] | None = None,
) -> None:
    """Write inventories as a page, all at once or not at all.

    Parameters
    ----------
    shortcuts
        Rows of `shortcuts.csv`, of any corpora; those of these inventories are shown.
    labels
        Shown text of test sets.
    """
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
    corpora = {inventory.corpus for inventory in inventories}
    tried = [row for row in shortcuts if row["corpus"] in corpora]
    body = [verdict, _overview(inventories), *map(_section, inventories)]
    body += [f"<h2>Shortcuts</h2>\n{shortcuts_fragment(tried, labels)}"] if tried else []
    styles = TABLE_STYLE, _STYLE, SHORTCUTS_STYLE
    text = page(f"Corpora of the experiment {experiment}", "\n".join(body), *styles)
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
    return table(_OVERVIEW, rows, numbers=range(2, 6))


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
        parts.append(table(_COUNTS, [_count(count) for count in inventory.counts], range(1, 5)))
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
