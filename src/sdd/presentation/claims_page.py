"""The claims of the paper and what became of them, as a page."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

from sdd.analysis.claims.assessment import Assessed
from sdd.analysis.claims.drift_statements import DriftClaim
from sdd.analysis.claims.eer_statements import AVERAGE, IN, OUT, Claim
from sdd.analysis.claims.judging import LEVEL, MARGIN, Difference, Verdict, overall
from sdd.presentation.html_page import markup, notes, page, signed
from sdd.presentation.labels import PAPER_LABELS
from sdd.runtime.atomic_files import atomic_path

SIGNS: Mapping[Verdict, str] = {"supported": "✓", "contradicted": "✗", "undecided": "?"}
_OUTCOMES = {"met": "as claimed", "missed": "not as claimed", "open": "open"}
_SHOWN = {AVERAGE[IN]: "in-domain average", AVERAGE[OUT]: "out-of-domain average"}

CLAIMS_STYLE = """
.tally { display: flex; flex-wrap: wrap; gap: .5rem 1rem; margin: 0 0 1rem; padding: 0; }
.chip { display: inline-block; padding: .1rem .55rem; border-radius: 1rem; font-size: .8rem;
  font-weight: 600; white-space: nowrap; color: #fff; background: #5a5a5a; }
.chip.supported { background: #005b96; }
.chip.contradicted { background: #a13d00; }
.model .chip { justify-self: start; }
.claims h3 { margin: 2rem 0 .5rem; font-size: 1.05rem; border-bottom: 2px solid var(--line); }
.claim { padding: .8rem 0; border-bottom: 1px solid var(--hair); max-width: 60rem; }
.claim header { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; }
.claim h4 { margin: 0; font-size: 1rem; font-weight: 600; }
.claim blockquote { margin: .3rem 0 .5rem; padding-left: .7rem; border-left: 3px solid var(--hair);
  color: #444; font-size: .875rem; }
.claim .model { display: grid; grid-template-columns: 9rem 8.5rem 170px 1fr; gap: .2rem .8rem;
  align-items: center; padding: .25rem 0; font-size: .875rem; }
.claim .figures { font-variant-numeric: tabular-nums; }
.claim .figures small { display: block; color: #444; }
.claim summary { cursor: pointer; font-size: .8rem; color: #444; }
.claim details ul { margin: .3rem 0; padding-left: 1.2rem; font-size: .8rem;
  font-variant-numeric: tabular-nums; }
@media screen and (max-width: 46rem) {
  .claim header { display: block; }
  .claim header .chip { margin-top: .3rem; }
  .claim .model { grid-template-columns: 1fr auto; padding: .4rem 0; }
  .claim .model svg, .claim .model .figures { grid-column: 1 / -1; }
}
@media print { .chip { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  .claim { break-inside: avoid; } }
"""


def write_claims_page(
    assessed: Sequence[Assessed],
    path: Path | str,
    *,
    title: str,
    remarks: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
) -> None:
    """Write the verdicts on the claims as one HTML page.

    Parameters
    ----------
    labels
        Shown text of models and test sets; takes precedence over
        `sdd.presentation.labels.PAPER_LABELS`.
    """
    body = claims_fragment(assessed, labels=labels) + notes([*how_claims_are_judged(), *remarks])
    with atomic_path(path) as temporary:
        temporary.write_text(page(title, body, CLAIMS_STYLE), encoding="utf-8")


def how_claims_are_judged() -> list[str]:
    """Say what verdicts mean, in a few sentences."""
    return [
        "Supported: every test of the claim comes out as the paper says (where it says “most”: "
        "more than half). Contradicted: one comes out the other way. Undecided: the data do not "
        "tell, or were not measured.",
        "A difference counts once its 95 % interval leaves out zero and, after Holm's correction "
        f"for all tests of the claim, its permutation test has p < {LEVEL}. Figures are equal when "
        f"the interval of their difference lies within {MARGIN} points, the least round margin "
        "under which the paper's own numbers are what it calls them.",
        "Dot and line: the difference here and its 95 % interval, over recordings and, with two "
        "rounds or more, over rounds. Open diamond: the paper's difference. Grey band: what counts "
        "as equal. Where there are values only, as in the paper, values decide.",
    ]


def claims_fragment(assessed: Sequence[Assessed], labels: Mapping[str, str] | None = None) -> str:
    """Return the claims as HTML, by section."""
    names = {**PAPER_LABELS, **_SHOWN, **(labels or {})}
    ordered = sorted(assessed, key=lambda item: _section(item.claim))
    groups = [list(group) for _, group in groupby(ordered, key=lambda item: item.claim.name)]
    verdicts = [overall([item.judgement.verdict for item in group]) for group in groups]
    tally = "".join(
        f"<span>{_chip(verdict)} {verdicts.count(verdict)} of {len(verdicts)} claims</span>"
        for verdict in SIGNS
    )
    lines = [f'<p class="tally">{tally}</p>', '<div class="claims">']
    section = None
    for group, verdict in zip(groups, verdicts, strict=True):
        claim = group[0].claim
        if _section(claim) != section:
            section = _section(claim)
            lines.append(f"<h3>Section {section}</h3>")
        lines += _claim(group, verdict, names)
    return "\n".join([*lines, "</div>"])


def _section(claim: Claim | DriftClaim) -> str:
    """Return the section of a claim, of "3.3, note 7" the 3.3."""
    return claim.section.partition(",")[0]


def _claim(group: Sequence[Assessed], verdict: Verdict, names: Mapping[str, str]) -> list[str]:
    claim = group[0].claim
    span = _span(group)
    return [
        '<section class="claim">',
        f"<header><h4>{markup(claim.statement)}</h4>{_chip(verdict)}</header>",
        f"<blockquote>“{markup(claim.words)}” ({escape(claim.section)})</blockquote>",
        *(_model(item, span, names) for item in group),
        *_details(group, names),
        "</section>",
    ]


def _model(item: Assessed, span: float, names: Mapping[str, str]) -> str:
    figures = []
    if item.difference is not None:
        shown = markup(names.get(item.shown, item.shown))
        figures.append(f"{shown}: {_figure(item.difference)}")
    # The paper's own table may be the one at hand.
    if item.paper is not None and item.paper != item.difference:
        paper = f"{item.paper.value:+.2f}"
        if item.paper_verdict:
            paper += f", by its values {item.paper_verdict}"
        figures.append(f"<small>paper: {signed(paper)}</small>")
    return (
        f'<div class="model"><span>{markup(names.get(item.model, item.model))}</span>'
        f"{_chip(item.judgement.verdict)}{_forest(item, span)}"
        f'<span class="figures">{"".join(figures)}</span></div>'
    )


def _figure(difference: Difference) -> str:
    text = f"{difference.value:+.2f}"
    if not math.isnan(difference.low):
        text += f" [{difference.low:+.2f}, {difference.high:+.2f}]"
    return f"<b>{signed(text)}</b> points ({difference.a:.2f} against {difference.b:.2f})"


def _details(group: Sequence[Assessed], names: Mapping[str, str]) -> list[str]:
    lines = ["<details><summary>each test</summary>", "<ul>"]
    for item in group:
        for test, outcome in zip(item.tests, item.judgement.outcomes, strict=True):
            where = markup(" - ".join(names.get(part, part) for part in test.where.split(" - ")))
            model = f"{markup(names.get(item.model, item.model))}, " if len(group) > 1 else ""
            found = "not measured"
            if test.difference is not None:
                found = f"{test.difference.value:+.3g}"
                if not math.isnan(test.difference.low):
                    found += f" [{test.difference.low:+.3g}, {test.difference.high:+.3g}]"
                found += f", {_OUTCOMES[outcome]}"
            lines.append(f"<li>{model}{where}: should be {test.expected}; {signed(found)}</li>")
    return [*lines, "</ul></details>"]


def _chip(verdict: Verdict) -> str:
    return f'<span class="chip {verdict}">{SIGNS[verdict]} {verdict}</span>'


def _span(group: Sequence[Assessed]) -> float:
    """Return the largest figure of a claim: its plots share one scale."""
    values = [
        abs(value)
        for item in group
        for difference in (item.difference, item.paper)
        if difference is not None
        for value in (difference.value, difference.low, difference.high)
        if not math.isnan(value)
    ]
    if any(test.expected == "equal" for item in group for test in item.tests):
        values.append(MARGIN)
    return max(values, default=0.0) or 1.0


def _forest(item: Assessed, span: float) -> str:
    """Draw the difference with its interval, and the paper's, about a line at zero."""
    if item.difference is None and item.paper is None:
        return "<span></span>"

    def at(value: float) -> float:
        return 85 + 78 * value / span

    parts = []
    if any(test.expected == "equal" for test in item.tests):
        width = at(MARGIN) - at(-MARGIN)
        parts.append(
            f'<rect x="{at(-MARGIN):.1f}" y="1" width="{width:.1f}" height="24" fill="#e6e6e6"/>'
        )
    parts.append('<line x1="85" y1="1" x2="85" y2="25" stroke="#999"/>')
    if item.difference is not None:
        difference = item.difference
        if not math.isnan(difference.low):
            parts.append(
                f'<line x1="{at(difference.low):.1f}" y1="13" x2="{at(difference.high):.1f}" '
                'y2="13" stroke="#111" stroke-width="2"/>'
            )
        parts.append(f'<circle cx="{at(difference.value):.1f}" cy="13" r="3.5" fill="#111"/>')
    if item.paper is not None:
        x = at(item.paper.value)
        parts.append(
            f'<path d="M{x:.1f} 7 l6 6 l-6 6 l-6 -6 z" fill="none" stroke="#005b96" '
            'stroke-width="1.5"/>'
        )
    return (
        '<svg width="170" height="26" viewBox="0 0 170 26" role="img" aria-hidden="true">'
        f"{''.join(parts)}</svg>"
    )
