"""What the report opens with: whether GRPO generalises better than SFT here, by model.

The words follow the verdicts of the claim that says so (`sdd.analysis.claims`), and are no more
certain than they are.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from sdd.analysis.claims.assessment import Assessed
from sdd.analysis.claims.claim import OUT, Pair
from sdd.analysis.claims.drift_statements import DriftClaim
from sdd.analysis.claims.judging import Verdict, overall
from sdd.presentation.claim_plots import Scale
from sdd.presentation.claims_page import model_line, shown_names
from sdd.presentation.html_page import markup, notes

QUESTION = "Does GRPO generalise better than SFT here?"
ASKED = "abstract_improves_out_of_domain"
"""The claim that answers it: GRPO has a lower out-of-domain average than SFT."""

ANSWER_STYLE = """
.answer { margin: 0 0 1.5rem; padding: .9rem 1rem; border-left: 4px solid var(--line);
  background: #f5f5f5; }
.answer h2 { font-size: 1rem; font-weight: 400; margin: 0 0 .3rem; }
.answer > p { font-size: 1.3rem; line-height: 1.35; font-weight: 600; margin: 0 0 .6rem;
  max-width: 56rem; }
.answer .claim { border: 0; padding: 0; max-width: none; }
"""

# What contradicts comes first, what is open last.
_DIRECTIONS: Mapping[Verdict, str] = {
    "contradicted": "GRPO generalises worse",
    "supported": "GRPO generalises better",
    "undecided": "the data do not tell",
}
_OPENINGS: Mapping[Verdict, str] = {
    "supported": "Yes",
    "contradicted": "No",
    "undecided": "Undecided",
}
_NOT_COMPARED = (
    "Not answered: no model of this experiment has a row for GRPO and one for SFT, both from the "
    "post-trained start, with test sets out of domain."
)
_ONE_TRAINING = "trained once (one round), and one training says nothing of another"


def answer_fragment(
    assessed: Sequence[Assessed],
    comparisons: Iterable[Mapping[str, Any]],
    contents: Mapping[str, Any],
) -> str:
    """Return the answer as HTML; it needs `ANSWER_STYLE` and `CLAIMS_STYLE`.

    Parameters
    ----------
    assessed
        All claims.
    comparisons
        Rows of comparisons.csv, for the number of rounds.
    contents
        As `sdd.experiment.contents.claims` returns it.
    """
    names = shown_names(contents["labels"])
    asked = [item for item in assessed if item.claim.name == ASKED]
    lines = ['<section class="answer">', f"<h2>{escape(QUESTION)}</h2>"]
    if not asked:
        return "\n".join([*lines, f"<p>{_NOT_COMPARED}</p></section>"])
    scale, rounds = Scale.of_eers(asked), _rounds(comparisons)
    lines += [f"<p>{markup(headline(asked, names))}</p>", '<div class="claim">']
    lines += [model_line(item, scale, names, _said(item, rounds)) for item in asked]
    return "\n".join([*lines, "</div>", notes(_how(contents["domains"], names)), "</section>"])


def headline(asked: Sequence[Assessed], names: Mapping[str, str]) -> str:
    """Answer in a sentence, from the verdicts on the claim with each model."""
    models: dict[Verdict, list[str]] = {}
    for item in asked:
        shown = names.get(item.model, item.model)
        models.setdefault(item.judgement.verdict, []).append(shown)
    verdict = overall([item.judgement.verdict for item in asked])
    if verdict == "undecided" and all(item.judgement.one_training for item in asked):
        return f"Undecided: {_ONE_TRAINING}."
    opening = _OPENINGS[verdict]
    if len(models) > 1:
        known = [kind for kind in _DIRECTIONS if kind in models]
        parts = [f"with {_joined(models[kind])} {_DIRECTIONS[kind]}" for kind in known]
        return f"{opening}: {'; '.join(parts)}."
    [reached] = models.values()
    reach = f"with {reached[0]}" if len(reached) == 1 else f"with all {len(reached)} models"
    return f"{opening}: {reach} {_DIRECTIONS[verdict]}."


def _said(item: Assessed, rounds: Mapping[tuple[Pair, str], tuple[int, int]]) -> list[str]:
    """Say beside a model's figures what they rest on."""
    if isinstance(item.claim, DriftClaim) or item.difference is None:
        return ["not measured"]
    pair = (item.claim.a.of(item.model), item.claim.b.of(item.model))
    grpo, sft = rounds[pair, item.shown]
    counted = _counted(grpo) if grpo == sft else f"{_counted(grpo)} of GRPO, {sft} of SFT"
    said = [counted, item.difference.drawn]
    if math.isnan(item.difference.low):
        said.append(f"no interval: {item.difference.note}")
    return [" · ".join(filter(None, said))]


def _rounds(
    comparisons: Iterable[Mapping[str, Any]],
) -> dict[tuple[Pair, str], tuple[int, int]]:
    """Return how often both sides of each comparison were trained."""
    return {
        (
            (
                (row["model_a"], row["init_a"], row["algorithm_a"]),
                (row["model_b"], row["init_b"], row["algorithm_b"]),
            ),
            row["test_set"],
        ): (int(row["rounds_a"]), int(row["rounds_b"]))
        for row in comparisons
    }


def _how(domains: Mapping[str, Sequence[str]], names: Mapping[str, str]) -> list[str]:
    sets = _joined([names.get(name, name) for name in domains[OUT]])
    return [
        "GRPO less SFT, both from the post-trained start, in percentage points of the EER averaged "
        f"over {sets}: below zero GRPO generalises better. In brackets the 95 % interval, which "
        "holds the draw of speakers or recordings and, with two rounds or more, training. How it "
        "is judged stands below the claims."
    ]


def _counted(rounds: int) -> str:
    return "1 round" if rounds == 1 else f"{rounds} rounds"


def _joined(texts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))
