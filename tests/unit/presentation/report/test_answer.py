"""What the report opens with says what the claims say, and no more."""

from dataclasses import replace

import pytest

from sdd.analysis.claims.assessment import assess, differences_of_comparisons
from sdd.analysis.claims.eer_statements import CLAIMS
from sdd.presentation.report.answer import ASKED, QUESTION, answer_fragment, headline
from tests.helpers.html_pages import TableReader

DOMAINS = {"in_domain": [], "out_of_domain": ["itw", "dv"]}
NAMES = {"a": "Model A", "b": "Model B", "c": "Model C"}
CONTENTS = {"labels": NAMES, "domains": DOMAINS}


def row(model, grpo, sft, *, error=0.5, rounds=(3, 3), note=""):
    sides = {f"algorithm_{side}": name for side, name in (("a", "grpo"), ("b", "sft"))}
    return {
        **sides, "model_a": model, "init_a": "post", "model_b": model, "init_b": "post",
        "test_set": "out_of_domain_avg", "eer_a": grpo, "eer_b": sft, "standard_error": error,
        "freedom": 50, "rounds_a": rounds[0], "rounds_b": rounds[1], "clusters": 54,
        "drawn": "speakers", "note": note,
    }  # fmt: skip


def assessed(rows):
    found = differences_of_comparisons(rows)
    return assess(found, list(NAMES), DOMAINS, main="a", paper={})


def said(rows):
    return headline([one for one in assessed(rows) if one.claim.name == ASKED], NAMES)


def shown(rows):
    return TableReader(answer_fragment(assessed(rows), rows, CONTENTS)).text


def test_the_claim_that_is_asked_is_one_of_the_papers():
    assert ASKED in {claim.name for claim in CLAIMS}


# Standard error 0.5 with 50 degrees of freedom: told from zero beyond 1.004.
@pytest.mark.parametrize(
    ("differences", "words"),
    [
        ({"a": -2}, "Yes: with Model A GRPO generalises better."),
        ({"a": -2, "b": -1.1}, "Yes: with all 2 models GRPO generalises better."),
        ({"a": 2}, "No: with Model A GRPO generalises worse."),
        ({"a": 0.9}, "Undecided: with Model A the data do not tell."),
        (
            {"a": -2, "b": 0.9, "c": -2},
            "Undecided: with Model A and Model C GRPO generalises better; "
            "with Model B the data do not tell.",
        ),
        (
            {"a": -2, "b": 0.9, "c": 3},
            "No: with Model C GRPO generalises worse; with Model A GRPO generalises better; "
            "with Model B the data do not tell.",
        ),
    ],
)
def test_the_words_are_those_of_the_verdicts(differences, words):
    assert said([row(model, 5 + value, 5) for model, value in differences.items()]) == words


def test_one_round_is_said_to_be_one_round():
    rows = [row(model, 1, 9, rounds=(1, 1), note="one training") for model in "ab"]
    assert said(rows) == (
        "Undecided: trained once (one round), and one training says nothing of another."
    )
    text = shown(rows)
    assert text.count("1 round · 54 speakers") == 2
    assert "supported" not in text
    # Where one of them was trained more often, that is said, too.
    assert "3 rounds of GRPO, 1 of SFT" in shown([row("a", 1, 9, rounds=(3, 1))])


def test_figures_and_their_interval_stand_beside_each_model():
    text = shown([row("a", 3, 5), row("b", 4.5, 5)])
    assert QUESTION in text
    # t(0.975, 50) = 2.0086
    assert "Model A✓ supported" in text
    assert "out-of-domain average: −2.00 [−3.00, −1.00] points (3.00 against 5.00)" in text
    assert "out-of-domain average: −0.50 [−1.50, +0.50] points (4.50 against 5.00)" in text
    assert text.count("3 rounds · 54 speakers") == 2
    assert "averaged over ItW and DV" in text


def test_what_is_not_compared_or_not_measured_is_said():
    assert "Not answered: no model of this experiment" in shown([])
    unknown = shown([row("a", 3, 5, error=float("nan"), note="4 speakers of itw: too few")])
    assert "no interval: 4 speakers of itw: too few" in unknown
    assert "Undecided: with Model A the data do not tell." in unknown
    [open_] = [one for one in assessed([row("a", 3, 5)]) if one.claim.name == ASKED]
    text = answer_fragment([replace(open_, difference=None)], [], CONTENTS)
    assert "not measured" in text
