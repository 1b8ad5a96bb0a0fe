"""The claims of the paper and what became of them, as a page."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

from sdd.analysis.claims.assessment import Assessed, Contradiction
from sdd.analysis.claims.claim import AVERAGE, IN, OUT, Claim
from sdd.analysis.claims.drift_statements import DriftClaim
from sdd.analysis.claims.judging import LEVEL, MARGIN, Difference, Verdict, overall
from sdd.analysis.columns import ONE_TRAINING
from sdd.presentation.claim_plots import Scale, draw_claim
from sdd.presentation.html_page import markup, notes, page, signed
from sdd.presentation.labels import PAPER_LABELS
from sdd.presentation.numbers import decimals, interval
from sdd.runtime.atomic_files import atomic_path

SIGNS: Mapping[Verdict, str] = {"supported": "✓", "contradicted": "✗", "undecided": "?"}
_OUTCOMES = {"met": "as claimed", "missed": "not as claimed", "open": "not told apart"}
ABSTRACT = "abstract"
_SHOWN = {AVERAGE[IN]: "in-domain average", AVERAGE[OUT]: "out-of-domain average"}

CLAIMS_STYLE = """
.tally { display: flex; flex-wrap: wrap; gap: .5rem 1rem; margin: 0 0 1rem; padding: 0; }
.chip { display: inline-block; padding: .1rem .55rem; border-radius: 1rem; font-size: .8rem;
  font-weight: 600; white-space: nowrap; color: #fff; background: #5a5a5a; }
.chip.supported { background: #005b96; }
.chip.contradicted { background: #a13d00; }
.model .chip { justify-self: start; }
.alone { margin: 0 0 1rem; padding: .5rem .8rem; border-left: 4px solid #a13d00; color: #a13d00;
  font-weight: 600; max-width: 60rem; }
.claims h3 { margin: 2rem 0 .5rem; font-size: 1.05rem; border-bottom: 2px solid var(--line); }
.claim { padding: .8rem 0; border-bottom: 1px solid var(--hair); max-width: 60rem; }
.claim header { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; }
.claim h4 { margin: 0; font-size: 1rem; font-weight: 600; }
.claim blockquote { margin: .3rem 0 .5rem; padding-left: .7rem; border-left: 3px solid var(--hair);
  color: #444; font-size: .875rem; }
.claim .model { display: grid; grid-template-columns: 8rem 8.5rem 260px 1fr; gap: .2rem .8rem;
  align-items: center; padding: .25rem 0; font-size: .875rem; }
.claim .figures { font-variant-numeric: tabular-nums; }
.claim .figures small { display: block; color: #444; }
.claim .reading { margin: 0 0 .4rem; font-size: .8rem; color: #444; }
.claim .against { margin: 0 0 .4rem; font-size: .8rem; color: #a13d00; font-weight: 600; }
.undecided > summary { cursor: pointer; color: #005b96; padding: .3rem 0; }
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
  .claim { break-inside: avoid; max-width: none; } }
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
        f"A difference counts at p < {LEVEL} by the ratio of its value to its standard error, "
        "which holds the draw of speakers or recordings and, with two rounds or more, training. "
        "“Supported” asks that all tests are met, which needs no correction; “contradicted” is "
        "corrected by Holm's procedure for all tests of the claim on all models: its family. "
        f"Figures are equal when the 90 % interval of their difference lies within {MARGIN} "
        "points, the least round margin under which averages that the paper calls similar are so.",
        "One training: an algorithm was trained once, so nothing is known of another training, and "
        "nothing is decided about algorithms.",
        "Dot and line: the difference here and its 95 % interval; all EERs are on one scale, "
        "linear to 1 point and logarithmic beyond. Open diamond: the paper's difference. Grey "
        "band: what counts as equal. Where there are values only, as in the paper, values decide. "
        "Least difference told: a smaller one would not have been told from zero by these data.",
        "Drift is corrected for what chance alone gives. A line a test, in the order of “each "
        "test”; near what chance gives, differences are not told apart.",
    ]


def shown_names(labels: Mapping[str, str]) -> dict[str, str]:
    """Return the shown text of models, test sets and averages; labels take precedence."""
    return {**PAPER_LABELS, **_SHOWN, **labels}


def claims_fragment(assessed: Sequence[Assessed], labels: Mapping[str, str] | None = None) -> str:
    """Return the claims as HTML, by section."""
    names = shown_names(labels or {})
    ordered = sorted(assessed, key=lambda item: _section_order(item.claim))
    groups = [list(group) for _, group in groupby(ordered, key=lambda item: item.claim.name)]
    verdicts = [overall([item.judgement.verdict for item in group]) for group in groups]
    tally = "".join(
        f"<span>{chip(verdict)} {verdicts.count(verdict)} of {len(verdicts)} claims</span>"
        for verdict in SIGNS
    )
    warning = one_training_warning(assessed)
    lines = [f'<p class="alone">{escape(warning)}</p>'] if warning else []
    lines += [f'<p class="tally">{tally}</p>', '<div class="claims">']
    scale = Scale.of_eers(assessed)
    judged = zip(groups, verdicts, strict=True)
    for section, members in groupby(judged, key=lambda each: _section(each[0][0].claim)):
        title = "Abstract" if section == ABSTRACT else f"Section {section}"
        lines.append(f"<h3>{title}</h3>")
        shown = [(verdict, _claim(group, verdict, names, scale)) for group, verdict in members]
        for verdict, parts in shown:
            lines += parts if verdict != "undecided" else []
        lines += _folded([parts for verdict, parts in shown if verdict == "undecided"])
    return "\n".join([*lines, "</div>"])


def _folded(claims: Sequence[Sequence[str]]) -> list[str]:
    """Return undecided claims to be unfolded: they say nothing, and there may be many."""
    if not claims:
        return []
    count = f"{len(claims)} undecided claim{'' if len(claims) == 1 else 's'}"
    unfolded = [line for parts in claims for line in parts]
    return [f'<details class="undecided"><summary>{count}</summary>', *unfolded, "</details>"]


def one_training_warning(assessed: Sequence[Assessed]) -> str:
    """Say how many claims rest on algorithms that were trained once; empty where none does."""
    alone = {one.claim.name for one in assessed if one.judgement.one_training}
    if not alone:
        return ""
    return (
        f"One round: {len(alone)} claims are about algorithms that were trained once. Another "
        "training may turn them round, and by how much one cannot know from one; so nothing is "
        "decided about them, however narrow the intervals. Set `rounds` to 3 or more."
    )


def _section(claim: Claim | DriftClaim) -> str:
    """Return the section of a claim, of "3.3, note 7" the 3.3."""
    return claim.section.partition(",")[0]


def _section_order(claim: Claim | DriftClaim) -> tuple[bool, str]:
    """Sort sections as the paper has them: the abstract first."""
    section = _section(claim)
    return section != ABSTRACT, section


def _claim(
    group: Sequence[Assessed], verdict: Verdict, names: Mapping[str, str], scale: Scale
) -> list[str]:
    claim = group[0].claim
    remarks = [f"Our reading: {claim.reading}"] if claim.reading else []
    count = group[0].judgement.family
    remarks.append(f"Family: {count} test{'' if count == 1 else 's'}.")
    against = []
    if group[0].paper_contradicts:
        places = "; ".join(_contradiction(one, names) for one in group[0].paper_contradicts)
        against.append(
            '<p class="against">The paper\'s own table contradicts this sentence: '
            f"{markup(places)}.</p>"
        )
    of_drift = isinstance(claim, DriftClaim)
    return [
        '<section class="claim">',
        f"<header><h4>{markup(claim.statement)}</h4>{chip(verdict)}</header>",
        f"<blockquote>“{markup(claim.words)}” ({escape(claim.section)})</blockquote>",
        f'<p class="reading">{signed(markup(" ".join(remarks)))}</p>',
        *against,
        *(model_line(item, Scale.of_tests([item]) if of_drift else scale, names) for item in group),
        *_details(group, names),
        "</section>",
    ]


def _contradiction(found: Contradiction, names: Mapping[str, str]) -> str:
    model, where = (names.get(name, name) for name in (found.model, found.where))
    return f"{model}, {where} {decimals(found.a)} against {decimals(found.b)}"


def model_line(
    item: Assessed, scale: Scale, names: Mapping[str, str], remarks: Sequence[str] = ()
) -> str:
    """Return a claim with one model as HTML: the verdict, the difference drawn and in figures.

    Parameters
    ----------
    remarks
        Shown texts to stand first of those in small type.
    """
    figures = []
    if item.difference is not None:
        shown = markup(names.get(item.shown, item.shown))
        figures.append(f"{shown}: {_figure(item.difference)}")
    figures += [f"<small>{markup(remark)}</small>" for remark in remarks]
    if item.judgement.one_training:
        figures.append("<small>one training: nothing is decided about algorithms</small>")
    if not math.isnan(item.judgement.smallest):
        figures.append(f"<small>least difference told: {item.judgement.smallest:.2g}</small>")
    # The paper's own table may be the one at hand.
    at_hand = item.difference is not None and item.difference.values_only
    if item.paper is not None and not at_hand:
        paper = decimals(item.paper.value, sign=True)
        if item.paper_verdict:
            paper += f", by its values {item.paper_verdict}"
        figures.append(f"<small>paper: {paper}</small>")
    return (
        f'<div class="model"><span>{markup(names.get(item.model, item.model))}</span>'
        f"{chip(item.judgement.verdict)}{draw_claim(item, scale)}"
        f'<span class="figures">{"".join(figures)}</span></div>'
    )


def _figure(difference: Difference) -> str:
    value = decimals(difference.value, sign=True)
    ends = interval(difference.low, difference.high, sign=True)
    figures = f"{decimals(difference.a)} against {decimals(difference.b)}"
    return f"<b>{' '.join(filter(None, (value, ends)))}</b> points ({figures})"


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
                told = ONE_TRAINING if test.difference.one_training else _OUTCOMES[outcome]
                found += f", {told}"
                remarks = [text for text in (test.difference.drawn, test.difference.note) if text]
                found += f" ({'; '.join(remarks)})" if remarks else ""
            lines.append(f"<li>{model}{where}: should be {test.expected}; {signed(found)}</li>")
    return [*lines, "</ul></details>"]


def chip(verdict: Verdict) -> str:
    """Return a verdict as HTML, with its sign."""
    return f'<span class="chip {verdict}">{SIGNS[verdict]} {verdict}</span>'
