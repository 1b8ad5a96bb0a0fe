"""The paper's claims: supported by its own numbers, and judged by what is found."""

import math

import numpy as np
import pytest

from sdd.analysis.claims.assessment import COLUMNS, assess_results, assess_table, claim_rows
from sdd.analysis.claims.drift_statements import DRIFT_CLAIMS, collect_drifts
from sdd.analysis.claims.eer_statements import CLAIMS, pairs_of_claims
from sdd.analysis.claims.judging import ClaimTest, Difference, judge, overall
from sdd.analysis.table1 import read_table
from sdd.presentation.claims_page import write_claims_page
from sdd.runtime.csv_rows import write_rows
from tests.helpers.html_pages import TableReader
from tests.helpers.paths import RESOURCES

PAPER = RESOURCES / "table1.csv"
DOMAINS = {"in_domain": ["dfe24_4s", "dfe24_10s"], "out_of_domain": ["itw", "dv"]}


@pytest.fixture(scope="module")
def paper():
    return assess_table(read_table(PAPER))


def test_the_papers_numbers_support_what_it_says_of_eers(paper):
    rows = claim_rows(paper)
    of_eers = [row for row in rows if not row["claim"].startswith("drift")]
    assert {row["claim"] for row in of_eers} == {claim.name for claim in CLAIMS}
    assert {row["verdict"] for row in of_eers} == {"supported"}
    assert len(of_eers) == 33
    # It prints no drift, so nothing can be said of those claims.
    assert {row["verdict"] for row in rows if row not in of_eers} == {"undecided"}
    assert list(rows[0]) == list(COLUMNS)


@pytest.mark.parametrize(
    ("claim", "model", "difference", "tests"),
    [
        ("sft_lowers_in_domain", "xlsr_2b", 10.26 - 22.64, 5),
        ("sft_raises_out_of_domain", "mms_1b", 4.36 - 3.64, 4),
        ("sft_raises_itw", "xlsr_2b", 6.35 - 1.24, 1),
        ("grpo_beats_sft_on_each_set", "xlsr_2b", 2.69 - 6.28, 4),
        ("grpo_equals_sft_in_domain", "mms_300m", 11.94 - 12.23, 1),
        ("sft_grpo_worse_out_of_domain", "xlsr_2b", 5.37 - 2.69, 4),
        ("pre_trained_start_is_worse", "xlsr_2b", 21.86 - 2.69, 4),
        ("beta0_raises_dv", "xlsr_2b", 6.50 - 2.76, 1),
        ("negatives_matter", "xlsr_2b", 3.44 - 2.69, 9),
    ],
)
def test_the_papers_figures(paper, claim, model, difference, tests):
    [row] = [r for r in claim_rows(paper) if (r["claim"], r["model"]) == (claim, model)]
    assert row["difference"] == pytest.approx(difference)
    assert row["met"] + row["missed"] + row["open"] == tests


def test_words_are_the_papers_or_ours_are_marked():
    """Every claim names its section, and its quotation is not empty."""
    for claim in (*CLAIMS, *DRIFT_CLAIMS):
        assert claim.section[:3] in ("3.3", "3.4", "3.5")
        assert len(claim.words) > 20
    assert len({claim.name for claim in (*CLAIMS, *DRIFT_CLAIMS)}) == len(CLAIMS) + len(
        DRIFT_CLAIMS
    )


def test_a_table_turned_round_contradicts(paper):
    table = read_table(PAPER)
    sets = list(table.columns[4:])
    table[sets] = 50 - table[sets]
    verdicts = {one.judgement.verdict for one in assess_table(table) if one.difference is not None}
    assert verdicts == {"contradicted", "supported"}
    still = {one.claim.expected for one in assess_table(table)
             if one.difference is not None and one.judgement.verdict == "supported"}  # fmt: skip
    assert still == {"equal"}


def difference(low, high, p=math.nan):
    return Difference((low + high) / 2, 0, low, high, p)


@pytest.mark.parametrize(
    ("expected", "found", "outcome"),
    [
        ("lower", difference(-2, -1), "met"),
        ("lower", difference(1, 2), "missed"),
        ("lower", difference(-2, 1), "open"),
        ("higher", difference(1, 2), "met"),
        ("higher", difference(-2, -1), "missed"),
        ("higher", difference(1, 2, p=0.2), "open"),
        ("higher", difference(1, 2, p=0.01), "met"),
        ("higher", Difference(3, 1), "open"),
        ("higher", Difference(3, 1, values_only=True), "met"),
        ("higher", Difference(3, 3, values_only=True), "missed"),
        ("higher", None, "open"),
        ("equal", difference(-1.4, 1.4), "met"),
        ("equal", difference(-1.4, 1.6), "open"),
        ("equal", difference(1.6, 3), "missed"),
        ("equal", difference(-3, -1.6), "missed"),
        ("equal", Difference(3, 1.6, values_only=True), "met"),
        ("not higher", difference(-5, 1.4), "met"),
        ("not higher", difference(1, 2), "open"),
        ("not higher", difference(1.6, 2), "missed"),
    ],
)
def test_outcomes(expected, found, outcome):
    assert judge([ClaimTest("itw", found, expected)]).outcomes == (outcome,)


def test_holm_is_over_the_tests_of_a_claim():
    tests = [ClaimTest("a", difference(1, 2, p=0.02), "higher"), ClaimTest("b", None, "higher")]
    assert judge(tests).outcomes[0] == "met"
    tests[1] = ClaimTest("b", difference(1, 2, p=0.04), "higher")
    assert judge(tests).outcomes == ("met", "met")
    tests.append(ClaimTest("c", difference(1, 2, p=0.9), "higher"))
    # 3 x 0.02, 2 x 0.04, 0.9
    assert judge(tests).outcomes == ("open", "open", "open")


@pytest.mark.parametrize(
    ("outcomes", "every", "most"),
    [
        ("mmmm", "supported", "supported"),
        ("mmmo", "undecided", "supported"),
        ("mmmx", "contradicted", "supported"),
        ("mmxx", "contradicted", "contradicted"),
        ("mmoo", "undecided", "undecided"),
        ("oooo", "undecided", "undecided"),
        ("mxoo", "contradicted", "undecided"),
    ],
)
def test_verdicts(outcomes, every, most):
    found = {"m": difference(1, 2), "x": difference(-2, -1), "o": difference(-1, 1)}
    tests = [ClaimTest(letter, found[letter], "higher") for letter in outcomes]
    assert judge(tests).verdict == every
    assert judge(tests, most=True).verdict == most


def test_models_are_joined():
    assert overall(["supported", "supported"]) == "supported"
    assert overall(["supported", "undecided"]) == "undecided"
    assert overall(["undecided", "contradicted"]) == "contradicted"
    assert overall([]) == "undecided"


def drift_row(algorithm, test_set, value, half=0.1):
    return {
        "algorithm": algorithm,
        "test_set": test_set,
        "drift": value,
        "drift_low": value - half,
        "drift_high": value + half,
        "floor": 0.2,
    }


def test_drift_of_rounds():
    """Bootstrap 0.3 and Student's interval of 1, 2, 3 (4.3027 / sqrt 3), joined."""
    rows = [drift_row("sft", "itw", value, 0.3) for value in (1, 2, 3)]
    estimate = collect_drifts(rows, [], ["itw"]).estimates["sft", "itw"]
    half = math.hypot(0.3, 4.302653 / math.sqrt(3))
    assert (estimate.value, estimate.low) == (2, pytest.approx(2 - half))
    assert estimate.high == pytest.approx(2 + half)


def test_results_are_judged(tmp_path):
    """SFT: lower in-domain for sure, out-of-domain not; drift as the paper has it, but for GRPO."""
    rows = []
    for name, values in {
        "dfe24_4s": (10, 20, -11, -9),
        "dfe24_10s": (9, 18, -10, -8),
        "itw": (5, 4, -1, 3),
        "dv": (6, 4, 1, 3),
        "in_domain_avg": (9.5, 19, -11, -8),
        "out_of_domain_avg": (5.5, 4, -0.5, 3.5),
    }.items():
        pair = dict(zip(("model_a", "init_a", "algorithm_a", "model_b", "init_b", "algorithm_b"),
                        ("tiny", "post", "sft", "tiny", "post", "none"), strict=True))  # fmt: skip
        keys = ("eer_a", "eer_b", "low", "high")
        rows.append({**pair, "test_set": name, **dict(zip(keys, values, strict=True)),
                     "p_value": 0.001})  # fmt: skip
    write_rows(tmp_path / "comparisons.csv", rows)
    drifts = []
    for algorithm, values in {
        "none": (3, 3, 1, 1),
        "sft": (2, 2, 2, 2),
        "grpo": (2, 2, 1, 3),
    }.items():
        folder = tmp_path / f"tiny/post/{algorithm}/round1"
        folder.mkdir(parents=True)
        names = ("dfe24_4s", "dfe24_10s", "itw", "dv")
        table = [drift_row(algorithm, n, v) for n, v in zip(names, values, strict=True)]
        for row in table:
            del row["algorithm"]
        write_rows(folder / "drift.csv", table)
        drifts.append(folder / "drift.csv")
    contents = {"models": ["tiny"], "domains": DOMAINS, "main": "tiny"}
    assessed = assess_results(tmp_path / "comparisons.csv", drifts, PAPER, contents)
    assert {one.claim.name: one.judgement.verdict for one in assessed} == {
        "sft_lowers_in_domain": "supported",
        "sft_raises_out_of_domain": "undecided",
        "sft_raises_itw": "undecided",
        "drift_in_domain_above_others": "supported",
        "drift_sft_lower_in_domain": "supported",
        "drift_sft_away_out_of_domain": "supported",
        "drift_grpo_lower_in_domain": "supported",
        "drift_grpo_not_away": "contradicted",
        "drift_shows_regularisation": "undecided",
    }
    # Models that are not the paper's have none of its figures beside them.
    assert all(one.paper is None for one in assessed)
    write_claims_page(assessed, tmp_path / "claims.html", title="Claims", labels={"tiny": "T<1>"})
    page = TableReader((tmp_path / "claims.html").read_text(encoding="utf-8"))
    assert page.loads == ["data:,"]
    assert "script" not in page.tags
    for words in (
        "5 of 9 claims",
        "1 of 9 claims",
        "T<1>",
        "−9.50 [−11.00, −8.00]",
        "not measured",
    ):
        assert words in page.text


def test_pairs_are_those_of_the_rows_there_are():
    rows = [("a", "post", "sft"), ("a", "post", "none"), ("b", "post", "grpo")]
    assert pairs_of_claims(rows) == [(rows[0], rows[1])]
    table = read_table(PAPER)
    paper_rows = list(zip(table["model"], table["init"], table["algorithm"], strict=True))
    assert len(pairs_of_claims(paper_rows)) == 23
    assert not np.any([a == b for a, b in pairs_of_claims(paper_rows)])
