"""All claims tested on what an experiment found, or on the paper's own table."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from sdd.analysis.claims.claim import AVERAGE, Claim, Pair
from sdd.analysis.claims.drift_statements import (
    DRIFT_CLAIMS,
    DriftClaim,
    Drifts,
    collect_drifts,
)
from sdd.analysis.claims.eer_statements import CLAIMS, pairs_of_claims
from sdd.analysis.claims.judging import ClaimTest, Difference, Judgement, Verdict, judge
from sdd.analysis.columns import ONE_TRAINING
from sdd.analysis.drift_table import read_drifts
from sdd.analysis.table1 import domain_columns, identities, read_table, value_columns
from sdd.experiment.cells import Cell
from sdd.runtime.csv_rows import read_rows

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
    "smallest",
    "family",
    "one_training",
    "paper_difference",
    "paper_verdict",
    "paper_contradicts",
    "reading",
    "details",
    "words",
)
MAIN = "xlsr_2b"
"""The model of the paper's Figure 2 and of its ablations."""
Differences = Mapping[tuple[Pair, str], Difference]


@dataclass(frozen=True)
class Contradiction:
    """Two figures of the paper's table that are not as its sentence says."""

    model: str
    where: str
    a: float
    b: float

    def __str__(self) -> str:
        return f"{self.model}, {self.where}: {self.a:.2f} against {self.b:.2f}"


@dataclass(frozen=True)
class Assessed:
    """A claim tested on one model.

    Attributes
    ----------
    claim, model
        The claim, and the model whose rows it is tested on.
    tests, judgement
        What was looked at and what became of it.
    shown
        The figure that stands for the claim: an average where a domain is looked at.
    difference, paper
        That figure here, and as the paper prints it; None where there is none.
    paper_verdict
        What the same tests make of the paper's own table; None where it prints no such figures.
    paper_contradicts
        Where the paper's own table contradicts its sentence.
    """

    claim: Claim | DriftClaim
    model: str
    tests: tuple[ClaimTest, ...]
    judgement: Judgement
    shown: str = ""
    difference: Difference | None = None
    paper: Difference | None = None
    paper_verdict: Verdict | None = None
    paper_contradicts: tuple[Contradiction, ...] = ()


def assess_results(
    comparisons: Path, drifts: Sequence[Path], paper: Path, contents: Mapping[str, Any]
) -> list[Assessed]:
    """Test the claims on what an experiment found.

    Parameters
    ----------
    drifts
        drift.csv of the cells of Figure 2; may be empty.
    contents
        As `sdd.experiment.contents.claims` returns it.
    """
    differences = differences_of_comparisons(read_rows(comparisons))
    domains, main = contents["domains"], contents["main"]
    table = read_table(paper)
    # A demo's models are not the paper's: nothing of the paper stands beside them.
    of_paper = differences_of_table(table, pairs_of_claims(identities(table)))
    of_eers = assess(differences, contents["models"], domains, main=main, paper=of_paper)
    cells = [
        (Cell.parse(path.parent).algorithm, read_drifts(path, path.with_suffix(".parquet")))
        for path in drifts
    ]
    collected = collect_drifts(cells, domains["in_domain"], domains["out_of_domain"])
    against = contradictions_of_paper(table)
    return [
        replace(one, paper_contradicts=against.get(one.claim.name, ()))
        for one in of_eers + assess_drift(collected, main)
    ]


def contradictions_of_paper(table: pd.DataFrame) -> dict[str, tuple[Contradiction, ...]]:
    """Find what of the paper's own table contradicts its sentences.

    Returns
    -------
    dict
        By claim: each test that comes out the other way.
    """
    found: dict[str, tuple[Contradiction, ...]] = {}
    for one in _assess_values(table):
        if one.judgement.verdict == "contradicted":
            missed = [
                Contradiction(one.model, test.where, test.difference.a, test.difference.b)
                for test, outcome in zip(one.tests, one.judgement.outcomes, strict=True)
                if outcome == "missed" and test.difference is not None
            ]
            found[one.claim.name] = (*found.get(one.claim.name, ()), *missed)
    return found


def assess_table(table: pd.DataFrame, main: str = MAIN) -> list[Assessed]:
    """Test the claims on a table that has values only, such as the paper's own.

    Parameters
    ----------
    main
        The model that stands for the paper's XLS-R-2B.
    """
    in_domain, out_of_domain = domain_columns(table)
    against = contradictions_of_paper(table)
    of_eers = [
        replace(one, paper_contradicts=against.get(one.claim.name, ()))
        for one in _assess_values(table, main)
    ]
    return of_eers + assess_drift(collect_drifts([], in_domain, out_of_domain), main)


def _assess_values(table: pd.DataFrame, main: str = MAIN) -> list[Assessed]:
    in_domain, out_of_domain = domain_columns(table)
    differences = differences_of_table(table, pairs_of_claims(identities(table)))
    models = list(dict.fromkeys(table["model"]))
    domains = {"in_domain": in_domain, "out_of_domain": out_of_domain}
    return assess(differences, models, domains, main=main, paper=differences)


def differences_of_table(
    table: pd.DataFrame, pairs: Iterable[Pair]
) -> dict[tuple[Pair, str], Difference]:
    """Return the differences between rows of a table that has values only, as the paper's."""
    sets = value_columns(table)
    numbers = table[sets].to_numpy(dtype=float).tolist()
    values = {
        identity: dict(zip(sets, row, strict=True))
        for identity, row in zip(identities(table), numbers, strict=True)
    }
    return {
        ((a, b), name): Difference(values[a][name], values[b][name], values_only=True)
        for a, b in pairs
        if a in values and b in values
        for name in sets
    }


def differences_of_comparisons(
    rows: Iterable[Mapping[str, Any]],
) -> dict[tuple[Pair, str], Difference]:
    """Return the differences that the rows of comparisons.csv hold."""
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
            float(row["standard_error"]),
            float(row["freedom"]),
            one_training=ONE_TRAINING in row["note"].split("; "),
            drawn=_drawn(row),
            note=row["note"],
        )
        for row in rows
    }


def _drawn(row: Mapping[str, Any]) -> str:
    """Say how many of what were drawn: an average of several corpora has the fewest of one."""
    fewest = " or more" if "," in row["drawn"] else ""
    return f"{row['clusters']}{fewest} {row['drawn']}"


def assess(
    differences: Differences,
    models: Sequence[str],
    domains: Mapping[str, Sequence[str]],
    *,
    main: str,
    paper: Differences,
) -> list[Assessed]:
    """Test every claim on EERs with every model that has the rows for it.

    Parameters
    ----------
    differences
        By pair of rows and test set; a missing one leaves its test open.
    domains
        Test sets of `in_domain` and `out_of_domain`.
    main
        The model that stands for the paper's XLS-R-2B.
    paper
        Differences of the paper's own table, likewise.

    Returns
    -------
    list
        In the order of the paper. A claim for which there is no model is left out, and so is one
        on a test set that the table lacks.
    """
    paired = {pair for pair, _ in differences}
    known = {name for names in domains.values() for name in names} | set(AVERAGE.values())
    result = []
    for claim in CLAIMS:
        sets = claim.test_sets(domains)
        # A domain without sets, or a set that was left out: nothing to test the claim on.
        if not sets or not set(sets) <= known:
            continue
        pairs = [
            (model, (claim.a.of(model), claim.b.of(model)))
            for model in models
            if model == main or not claim.main_only
        ]
        there = {model: pair for model, pair in pairs if pair in paired}
        result += _assess_claim(claim, there, sets, differences, paper)
    return result


def _assess_claim(
    claim: Claim,
    pairs: Mapping[str, Pair],
    sets: Sequence[str],
    differences: Differences,
    paper: Differences,
) -> list[Assessed]:
    """Assess a claim on all of its models at once: they are one family of tests."""
    shown = _shown(claim)
    tests = [_tests(claim, pair, sets, differences) for pair in pairs.values()]
    of_paper = [_tests(claim, pair, sets, paper) for pair in pairs.values()]
    return [
        Assessed(
            claim,
            model,
            of_model,
            judgement,
            shown=shown,
            difference=differences.get((pair, shown)),
            paper=paper.get((pair, shown)),
            # A verdict on some of the sets would not compare with one on all of them.
            paper_verdict=theirs.verdict
            if all(test.difference is not None for test in printed)
            else None,
        )
        for (model, pair), of_model, judgement, printed, theirs in zip(
            pairs.items(),
            tests,
            judge(tests, most=claim.most),
            of_paper,
            judge(of_paper, most=claim.most),
            strict=True,
        )
    ]


def assess_drift(drifts: Drifts, model: str) -> list[Assessed]:
    """Test every claim on drift with the model of Figure 2; without drifts all are undecided."""
    result = []
    for claim in DRIFT_CLAIMS:
        tests = tuple(claim.tests(drifts))
        if tests:
            [judgement] = judge([tests])
            result.append(Assessed(claim, model, tests, judgement))
    return result


def claim_rows(assessed: Iterable[Assessed]) -> list[dict[str, Any]]:
    """Tabulate what became of the claims, with the columns `COLUMNS`.

    difference, low, high and paper_difference are of the figure `shown`, in percentage points;
    details has every test: where, difference, interval, outcome. family is the number of tests
    that contradictions are corrected for, smallest the least difference that each test would have
    told from zero.
    """
    return [_claim_row(item) for item in assessed]


def _claim_row(item: Assessed) -> dict[str, Any]:
    outcomes, shown = item.judgement.outcomes, item.difference
    details = zip(item.tests, outcomes, strict=True)
    return {
        "claim": item.claim.name,
        "section": item.claim.section,
        "statement": item.claim.statement,
        "model": item.model,
        "verdict": item.judgement.verdict,
        "met": outcomes.count("met"),
        "missed": outcomes.count("missed"),
        "open": outcomes.count("open"),
        "shown": item.shown,
        "difference": math.nan if shown is None else shown.value,
        "low": math.nan if shown is None else shown.low,
        "high": math.nan if shown is None else shown.high,
        "smallest": item.judgement.smallest,
        "family": item.judgement.family,
        "one_training": "yes" if item.judgement.one_training else "no",
        "paper_difference": math.nan if item.paper is None else item.paper.value,
        "paper_verdict": item.paper_verdict or "",
        "paper_contradicts": "; ".join(map(str, item.paper_contradicts)),
        "reading": item.claim.reading,
        "details": "; ".join(_detail(test, outcome) for test, outcome in details),
        "words": item.claim.words,
    }


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
