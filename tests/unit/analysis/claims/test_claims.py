"""The paper's claims: held against its own numbers, and judged by what is found."""

import numpy as np
import pytest

from sdd.analysis.claims.assessment import COLUMNS, assess_results, assess_table, claim_rows
from sdd.analysis.claims.drift_statements import DRIFT_CLAIMS
from sdd.analysis.claims.eer_statements import CLAIMS, pairs_of_claims
from sdd.analysis.drift_table import write_replicates
from sdd.analysis.table1 import read_table
from sdd.presentation.claims_page import one_training_warning, write_claims_page
from sdd.runtime.csv_rows import write_rows
from tests.helpers.html_pages import TableReader
from tests.helpers.paths import RESOURCES

PAPER = RESOURCES / "table1.csv"
DOMAINS = {"in_domain": ["dfe24_4s", "dfe24_10s"], "out_of_domain": ["itw", "dv"]}


@pytest.fixture(scope="module")
def paper():
    return assess_table(read_table(PAPER))


# Sentences that the paper's own table contradicts, and where.
CONTRADICTED = {
    "findings_improves_all_sets": ["mms_1b, add23", "mms_1b, for"],
    "findings_improves_on_post_trained": [
        *("xlsr_2b, add23", "xlsr_2b, dv", "xlsr_2b, itw"),
        *("mms_1b, for", "mms_1b, dv", "mms_1b, itw"),
        *("mms_300m, for", "mms_300m, dv", "mms_300m, itw"),
    ],
    "findings_regularisation_less_impactful": ["xlsr_2b, out_of_domain_avg"],
    "grpo_s_like_grpo_on_each_set": [
        *("xlsr_2b, dfe24_50s", "xlsr_2b, dv", "mms_1b, itw", "mms_300m, itw"),
    ],
    "grpo_retains_knowledge": ["mms_300m, itw"],
}


def test_verdicts_on_the_papers_own_numbers(paper):
    rows = claim_rows(paper)
    of_eers = [row for row in rows if row["claim"] in {claim.name for claim in CLAIMS}]
    assert {row["claim"] for row in of_eers} == {claim.name for claim in CLAIMS}
    contradicted = {row["claim"] for row in of_eers if row["verdict"] == "contradicted"}
    assert contradicted == set(CONTRADICTED)
    assert {row["verdict"] for row in of_eers if row["claim"] not in contradicted} == {"supported"}
    assert all(row["verdict"] == row["paper_verdict"] for row in of_eers)
    # It prints no drift, so nothing can be said of those claims.
    assert {row["verdict"] for row in rows if row not in of_eers} == {"undecided"}
    assert list(rows[0]) == list(COLUMNS)


def test_the_page_names_where_the_papers_table_contradicts_its_sentences(paper, tmp_path):
    for one in paper:
        found = [f"{each.model}, {each.where}" for each in one.paper_contradicts]
        assert found == CONTRADICTED.get(one.claim.name, [])
    row = [row for row in claim_rows(paper) if row["claim"] == "grpo_retains_knowledge"][-1]
    assert row["paper_contradicts"] == "mms_300m, itw: 5.91 against 2.91"
    write_claims_page(paper, tmp_path / "claims.html", title="Claims")
    text = TableReader((tmp_path / "claims.html").read_text(encoding="utf-8")).text
    assert text.count("The paper's own table contradicts this sentence") == len(CONTRADICTED)
    assert "MMS-300M, ItW 5.91 against 2.91" in text
    assert "Our reading:" in text


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
    """Every claim names where it stands, and its quotation is not empty."""
    for claim in (*CLAIMS, *DRIFT_CLAIMS):
        section = claim.section.partition(",")[0]
        assert section in ("abstract", "1", "3.3", "3.4", "3.5", "4")
        assert len(claim.words) > 20
    names = {claim.name for claim in (*CLAIMS, *DRIFT_CLAIMS)}
    assert len(names) == len(CLAIMS) + len(DRIFT_CLAIMS)


def test_a_table_turned_round_contradicts():
    """What was lower is higher; what the paper calls equal still is."""
    table = read_table(PAPER)
    sets = list(table.columns[4:])
    table[sets] = 50 - table[sets]
    for one in assess_table(table):
        supported = one.claim.name not in CONTRADICTED and one.difference is not None
        if supported and one.claim.expected in ("lower", "higher"):
            assert one.judgement.verdict == "contradicted"


def comparison(test_set, eer_a, eer_b, error, note=""):
    pair = {"model_a": "tiny", "init_a": "post", "algorithm_a": "sft",
            "model_b": "tiny", "init_b": "post", "algorithm_b": "none"}  # fmt: skip
    return {**pair, "test_set": test_set, "eer_a": eer_a, "eer_b": eer_b,
            "standard_error": error, "freedom": 50.0, "clusters": 54, "drawn": "speakers",
            "note": note}  # fmt: skip


def write_drift(folder, values, generator):
    """Write a cell's drifts, whose replicates spread by 0.02."""
    folder.mkdir(parents=True)
    fixed = {
        "floor": 0.2,
        "clusters": 60,
        "reference_clusters": 50,
        "reference_spread": 1.0,
        "largest_bias": 0.1,
    }
    drifts = {name: value + generator.normal(0, 0.002) for name, value in values.items()}
    rows = [{"test_set": name, "distance": value, **fixed} for name, value in drifts.items()]
    write_rows(folder / "drift.csv", rows)
    replicates = {name: value + generator.normal(0, 0.02, 40) for name, value in drifts.items()}
    write_replicates(folder / "drift.parquet", replicates)
    return folder / "drift.csv"


def test_results_are_judged(tmp_path):
    """SFT: lower in-domain for sure, out-of-domain not; drift as the paper has it, but for GRPO."""
    rows = [
        comparison("dfe24_4s", 10, 20, 0.5),
        comparison("dfe24_10s", 9, 18, 0.5),
        comparison("itw", 5, 4, 1),
        comparison("dv", 6, 4, 0.5),
        comparison("in_domain_avg", 9.5, 19, 0.75),
        comparison("out_of_domain_avg", 5.5, 4, 1),
    ]
    write_rows(tmp_path / "comparisons.csv", rows)
    generator = np.random.default_rng(0)
    names = ("dfe24_4s", "dfe24_10s", "itw", "dv")
    drifts = [
        write_drift(
            tmp_path / f"tiny/post/{algorithm}/round{number}",
            dict(zip(names, values, strict=True)),
            generator,
        )
        for algorithm, values, rounds in (
            ("none", (3, 3, 1, 1), 1),
            ("sft", (2, 2, 2, 2), 3),
            ("grpo", (2, 2, 1, 3), 3),
        )
        for number in range(1, rounds + 1)
    ]
    contents = {"models": ["tiny"], "domains": DOMAINS, "main": "tiny"}
    assessed = assess_results(tmp_path / "comparisons.csv", drifts, PAPER, contents)
    assert {one.claim.name: one.judgement.verdict for one in assessed} == {
        "sft_degrades_out_of_domain": "undecided",
        "sft_lowers_in_domain": "supported",
        "sft_raises_out_of_domain": "undecided",
        "sft_raises_itw": "undecided",
        "sft_may_lose_knowledge": "supported",
        "findings_drift_supports": "contradicted",
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
        "6 of 12 claims",
        "2 of 12 claims",
        "T<1>",
        "−9.50 [−11.01, −7.99]",
        "not measured",
        "not told apart",
        "Family: 2 tests.",
        "least difference told",
        "as claimed (54 speakers)",
        "as claimed (50 clusters)",
    ):
        assert words in page.text


def test_one_training_decides_nothing(tmp_path):
    note = "30 recordings of dfe24: fewer than 40; one training"
    sets = ("dfe24_4s", "dfe24_10s", "itw", "dv", "in_domain_avg", "out_of_domain_avg")
    rows = [comparison(name, 1.0, 30.0, 0.1, note) for name in sets]
    write_rows(tmp_path / "comparisons.csv", rows)
    contents = {"models": ["tiny"], "domains": DOMAINS, "main": "tiny"}
    assessed = assess_results(tmp_path / "comparisons.csv", [], PAPER, contents)
    assert {one.judgement.verdict for one in assessed} == {"undecided"}
    of_eers = [one for one in assessed if one.difference is not None]
    assert all(one.judgement.one_training for one in of_eers)
    write_claims_page(assessed, tmp_path / "claims.html", title="Claims")
    text = TableReader((tmp_path / "claims.html").read_text(encoding="utf-8")).text
    assert text.count("one training: nothing is decided about algorithms") == len(of_eers)
    warning = one_training_warning(assessed)
    claims = {one.claim.name for one in of_eers}
    assert warning.startswith(f"One round: {len(claims)} claims are about algorithms that were")
    assert warning in text
    write_rows(tmp_path / "comparisons.csv", [row | {"note": ""} for row in rows])
    assessed = assess_results(tmp_path / "comparisons.csv", [], PAPER, contents)
    assert one_training_warning(assessed) == ""


def test_pairs_are_those_of_the_rows_there_are():
    rows = [("a", "post", "sft"), ("a", "post", "none"), ("b", "post", "grpo")]
    assert pairs_of_claims(rows) == [(rows[0], rows[1])]
    table = read_table(PAPER)
    paper_rows = list(zip(table["model"], table["init"], table["algorithm"], strict=True))
    assert len(pairs_of_claims(paper_rows)) == 25
    assert not np.any([a == b for a, b in pairs_of_claims(paper_rows)])
