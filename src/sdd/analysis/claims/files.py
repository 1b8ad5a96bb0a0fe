"""The claims, put to the files of an experiment or to the paper's own table."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sdd.analysis.claims.assessment import (
    Assessed,
    assess,
    assess_drift,
    differences_of_comparisons,
    differences_of_table,
)
from sdd.analysis.claims.drift_statements import collect_drifts
from sdd.analysis.claims.eer_statements import pairs_of_claims
from sdd.presentation.tables import domain_columns, read_table
from sdd.scoring.score_tables import read_cells


def assess_results(
    comparisons: Path, drifts: Sequence[Path], paper: Path, layout: Mapping[str, Any]
) -> list[Assessed]:
    """Put the claims to what an experiment found.

    Parameters
    ----------
    comparisons
        comparisons.csv.
    drifts
        drift.csv of the cells of Figure 2; may be empty.
    paper
        The paper's Table 1.
    layout
        As `sdd.experiment.contents.claims_layout` gives it.
    """
    with comparisons.open(newline="", encoding="utf-8") as file:
        differences = differences_of_comparisons(csv.DictReader(file))
    domains, main = layout["domains"], layout["main"]
    table = read_table(paper)
    # A demo's models are not the paper's: nothing of the paper stands beside them.
    of_paper = differences_of_table(table, pairs_of_claims(_identities(table)))
    found = assess(differences, layout["models"], domains, main=main, paper=of_paper)
    rows = collect_drifts(read_cells(drifts), domains["in_domain"], domains["out_of_domain"])
    return found + assess_drift(rows, main)


def assess_table(table: pd.DataFrame, main: str = "xlsr_2b") -> list[Assessed]:
    """Put the claims to a table that has values only, such as the paper's own.

    Parameters
    ----------
    table
        As `sdd.presentation.tables.read_table` returns it.
    main
        The model that stands for the paper's XLS-R-2B.
    """
    in_domain, out_of_domain = domain_columns(table)
    differences = differences_of_table(table, pairs_of_claims(_identities(table)))
    models = list(dict.fromkeys(table["model"]))
    domains = {"in_domain": in_domain, "out_of_domain": out_of_domain}
    found = assess(differences, models, domains, main=main, paper=differences)
    return found + assess_drift(collect_drifts([], in_domain, out_of_domain), main)


def _identities(table: pd.DataFrame) -> list[tuple[str, str, str]]:
    return list(zip(table["model"], table["init"], table["algorithm"], strict=True))
