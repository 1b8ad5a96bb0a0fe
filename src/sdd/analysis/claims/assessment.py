"""All claims put to a table: rows of claims.csv."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from sdd.analysis.claims.drift_statements import DRIFT_CLAIMS, DriftClaim, Drifts
from sdd.analysis.claims.eer_statements import AVERAGE, CLAIMS, Claim, Pair
from sdd.analysis.claims.judging import ClaimTest, Difference, Judgement, Verdict, judge

COLUMNS = (
    "claim",
    "section",
    "statement",
    "model",
    "verdict",
    "met",
    "missed",
    "open",
    "shown",
    "difference",
    "low",
    "high",
    "paper_difference",
    "paper_verdict",
    "details",
    "words",
)
Differences = Mapping[tuple[Pair, str], Difference]


@dataclass(frozen=True)
class Assessed:
    """A claim put to one model.

    Attributes
    ----------
    claim, model
        What was put to whom.
    tests, judgement
        What was looked at and what became of it.
    shown
        The figure that stands for the claim: an average where a domain is looked at.
    difference, paper
        That figure here, and as the paper prints it; None where there is none.
    paper_verdict
        What the same tests make of the paper's own table; empty where it prints no such figures.
    """

    claim: Claim | DriftClaim
    model: str
    tests: tuple[ClaimTest, ...]
    judgement: Judgement
    shown: str = ""
    difference: Difference | None = None
    paper: Difference | None = None
    paper_verdict: Verdict | None = field(default=None)


def differences_of_table(table: pd.DataFrame, pairs: Iterable[Pair]) -> dict[
    tuple[Pair, str], Difference
]:  # fmt: skip
    """Differences between rows of a table that has values only, such as the paper's."""
    sets = list(table.columns[4:])
    identities = zip(table["model"], table["init"], table["algorithm"], strict=True)
    numbers = table[sets].to_numpy(dtype=float).tolist()
    values = {
        identity: dict(zip(sets, row, strict=True))
        for identity, row in zip(identities, numbers, strict=True)
    }
    return {
        ((a, b), name): Difference(values[a][name], values[b][name], values_only=True)
        for a, b in pairs
        if a in values and b in values
        for name in sets
    }


def differences_of_comparisons(rows: Iterable[Mapping[str, Any]]) -> dict[
    tuple[Pair, str], Difference
]:  # fmt: skip
    """Differences from the rows of comparisons.csv."""
    return {
        (
            (
                (row["model_a"], row["init_a"], row["algorithm_a"]),
                (row["model_b"], row["init_b"], row["algorithm_b"]),
            ),
            row["test_set"],
        ): Difference(
            float(row["eer_a"]),
            float(row["eer_b"]),
            float(row["low"]),
            float(row["high"]),
            float(row["p_value"]),
        )
        for row in rows
    }


def assess(
    differences: Differences,
    models: Sequence[str],
    domains: Mapping[str, Sequence[str]],
    *,
    main: str,
    paper: Differences,
) -> list[Assessed]:
    """Put every claim on EERs to every model that has the rows for it.

    Parameters
    ----------
    differences
        By pair of rows and test set; a missing one leaves its test open.
    models
        In order.
    domains
        Test sets of `in_domain` and `out_of_domain`.
    main
        The model that stands for the paper's XLS-R-2B.
    paper
        The same of the paper's own table.

    Returns
    -------
    list
        In the order of the paper. A claim for which there is no model is left out, and so is one
        on a test set that the table lacks.
    """
    paired = {pair for pair, _ in differences}
    result = []
    for claim in CLAIMS:
        for model in models:
            pair = (claim.a.of(model), claim.b.of(model))
            sets = claim.test_sets(domains)
            known = {name for names in domains.values() for name in names} | set(AVERAGE.values())
            if pair not in paired or (claim.main_only and model != main) or not sets:
                continue
            if not set(sets) <= known:
                continue
            tests = _tests(claim, pair, sets, differences)
            shown = _shown(claim)
            of_paper = _tests(claim, pair, sets, paper)
            comparable = all(test.difference is not None for test in of_paper)
            result.append(
                Assessed(
                    claim,
                    model,
                    tests,
                    judge(tests, most=claim.most),
                    shown,
                    differences.get((pair, shown)),
                    paper.get((pair, shown)),
                    judge(of_paper, most=claim.most).verdict if comparable else None,
                )
            )
    return result


def assess_drift(drifts: Drifts, model: str) -> list[Assessed]:
    """Put every claim on drift to the model of Figure 2; without drifts all are undecided."""
    result = []
    for claim in DRIFT_CLAIMS:
        tests = tuple(claim.tests(drifts))
        if tests:
            result.append(Assessed(claim, model, tests, judge(tests)))
    return result


def claim_rows(assessed: Iterable[Assessed]) -> list[dict[str, Any]]:
    """Tabulate what became of the claims, with the columns `COLUMNS`.

    difference, low, high and paper_difference are of the figure `shown`, in percentage points;
    details has every test: where, difference, interval, outcome.
    """
    rows = []
    for one in assessed:
        outcomes = one.judgement.outcomes
        shown = one.difference
        values = (
            one.claim.name,
            one.claim.section,
            one.claim.statement,
            one.model,
            one.judgement.verdict,
            outcomes.count("met"),
            outcomes.count("missed"),
            outcomes.count("open"),
            one.shown,
            math.nan if shown is None else shown.value,
            math.nan if shown is None else shown.low,
            math.nan if shown is None else shown.high,
            math.nan if one.paper is None else one.paper.value,
            one.paper_verdict or "",
            "; ".join(
                _detail(test, outcome) for test, outcome in zip(one.tests, outcomes, strict=True)
            ),
            one.claim.words,
        )
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def _tests(
    claim: Claim, pair: Pair, sets: Sequence[str], differences: Differences
) -> tuple[ClaimTest, ...]:
    return tuple(ClaimTest(name, differences.get((pair, name)), claim.expected) for name in sets)


def _shown(claim: Claim) -> str:
    """Name the figure that stands for a claim: of a domain its average, of two the second."""
    return AVERAGE.get(claim.where[-1], claim.where[-1])


def _detail(test: ClaimTest, outcome: str) -> str:
    difference = test.difference
    if difference is None:
        return f"{test.where}: not measured"
    interval = (
        "" if math.isnan(difference.low) else f" [{difference.low:+.3g}, {difference.high:+.3g}]"
    )
    return f"{test.where} {difference.value:+.3g}{interval} {outcome}"
