"""The report as HTML."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from sdd.presentation.claims_page import CLAIMS_STYLE
from sdd.presentation.html_page import markup, notes, page, plain
from sdd.presentation.report.answer import ANSWER_STYLE
from sdd.presentation.report.provenance import FactTable
from sdd.presentation.tables.render_html import TABLE_STYLE
from sdd.runtime.atomic_files import atomic_path

REPORT_STYLE = """
nav { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; margin: 0 0 1.5rem; padding: .5rem 0;
  border-top: 1px solid var(--hair); border-bottom: 1px solid var(--hair); font-size: .9rem; }
nav a { color: #005b96; }
.report > section { margin: 0 0 3rem; }
.report h2 { font-size: 1.3rem; margin: 0 0 .75rem; }
figure { margin: 0 0 2rem; }
/* The whole width, but a picture with few pixels is not blown up. */
figure img { width: min(100%, 1.2 * var(--natural)); height: auto; display: block; }
figcaption { max-width: 48rem; font-size: .875rem; color: #333; margin-top: .4rem; }
.part { margin: .6rem 0; }
.part > summary { cursor: pointer; color: #005b96; }
.part[open] { margin-bottom: 2rem; }
.facts { border-collapse: collapse; font-size: .875rem; }
.facts caption { text-align: left; font-weight: 600; padding: .5rem 0; font-size: 1rem; }
.facts th, .facts td { text-align: left; padding: .2rem .9rem .2rem 0; vertical-align: top;
  border-bottom: 1px solid #e4e4e4; overflow-wrap: anywhere; }
.facts th { border-bottom: 1px solid var(--line); overflow-wrap: normal; }
.wide { overflow-x: auto; margin-bottom: 1.5rem; }
pre { font-size: .78rem; white-space: pre-wrap; overflow-wrap: anywhere; background: #f5f5f5;
  padding: .8rem; }
@media screen and (max-width: 46rem) {
  figure img { width: 100%; }
  .facts thead { display: none; }
  .facts, .facts tbody { display: block; }
  .facts caption { display: block; }
  .facts tr { display: block; padding: .4rem 0; border-bottom: 1px solid var(--hair); }
  .facts td { display: block; border: 0; padding: .05rem 0; }
  .facts td::before { content: attr(data-column) ": "; color: var(--quiet); }
}
@media print {
  nav { display: none; }
  .report > section { margin-bottom: 14pt; }
  .report h2 { font-size: 11pt; }
  .answer, figure, .facts tr { break-inside: avoid; }
  .answer { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  /* A sheet is lower than wide: a tall picture has to fit, too. */
  figure img { width: auto; max-width: 100%; max-height: 160mm; }
  .facts { font-size: 8pt; }
  .facts caption { font-size: 9pt; }
  .wide { overflow: visible; }
  pre { font-size: 7pt; }
}
"""


def figure_fragment(folder: Path, name: str, description: str, caption: str = "") -> str:
    """Return a figure as HTML with its pictures inside: one for wide screens, one for narrow.

    Parameters
    ----------
    description
        What is read where the picture is not seen.
    caption
        Shown text below the picture, where that has none in it.
    """
    below = f"<figcaption>{markup(caption)}</figcaption>" if caption else ""
    wide, narrow = (folder / f"{name}{suffix}.png" for suffix in ("", "_narrow"))
    return (
        f'<figure><picture><source media="screen and (max-width: 46rem)" srcset="{_data(narrow)}">'
        f'<img src="{_data(wide)}" alt="{escape(description)}" style="--natural: {_width(wide)}px">'
        f"</picture>{below}</figure>"
    )


def facts_fragment(facts: FactTable, *, headed: bool = False) -> str:
    """Return a table of facts as HTML, its remark below it.

    Parameters
    ----------
    headed
        Whether its heading stands above already.
    """
    caption = "" if headed else f"<caption>{escape(facts.heading)}</caption>"
    head = "".join(f'<th scope="col">{markup(name)}</th>' for name in facts.columns)
    body = "\n".join(
        "<tr>"
        + "".join(
            f'<td data-column="{escape(plain(name))}">{markup(value)}</td>'
            for name, value in zip(facts.columns, row, strict=True)
        )
        + "</tr>"
        for row in facts.rows
    )
    return (
        f'<div class="wide"><table class="facts">{caption}'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"
        f"{notes([facts.remark]) if facts.remark else ''}</div>"
    )


def write_page(
    path: Path,
    title: str,
    sections: Mapping[str, Sequence[str]],
    *,
    opening: str = "",
    first: Sequence[str] = (),
) -> None:
    """Write sections, with links to them, as one HTML page.

    Parameters
    ----------
    sections
        Heading and HTML of each; sections without any are left out.
    opening
        HTML that stands first of all.
    first
        Shown texts between that and the first section.
    """
    kept = {heading: parts for heading, parts in sections.items() if parts}
    anchors = {heading: f"s{number}" for number, heading in enumerate(kept, start=1)}
    links = "".join(f'<a href="#{anchor}">{escape(name)}</a>' for name, anchor in anchors.items())
    body = [opening, notes(first) if first else "", f"<nav>{links}</nav>", '<div class="report">']
    for heading, parts in kept.items():
        body += [
            f'<section id="{anchors[heading]}"><h2>{markup(heading)}</h2>',
            *parts,
            "</section>",
        ]
    styles = (TABLE_STYLE, CLAIMS_STYLE, REPORT_STYLE, ANSWER_STYLE)
    whole = page(title, "\n".join([*body, "</div>"]), *styles)
    with atomic_path(path) as temporary:
        temporary.write_text(whole, encoding="utf-8")


def _data(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def _width(png: Path) -> int:
    """Read a PNG's width in pixels: the first four bytes of its first chunk."""
    return int.from_bytes(png.read_bytes()[16:20], "big")
