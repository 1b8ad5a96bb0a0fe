"""Sections of the report on what was tuned and on the trade-off."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sdd.analysis.tuning import read_yaml
from sdd.presentation.figures.trade_off import correlation_text
from sdd.presentation.labels import PAPER_LABELS
from sdd.presentation.numbers import NONE, interval
from sdd.presentation.report.page import facts_fragment, figure_fragment
from sdd.presentation.report.provenance import FactTable
from sdd.runtime.csv_rows import read_rows

FIGURES = {
    "trade_off": "Out-of-domain against in-domain EER along training, by learning rate",
    "change_against_kl": "Change of EER in both domains against the divergence from the start",
}


def trade_off_section(figures: Path, correlations: Path, contents: Mapping[str, Any]) -> list[str]:
    """Return the trade-off's figures and its rank correlations as HTML.

    Parameters
    ----------
    figures
        Folder of the figures.
    correlations
        CSV of `sdd.analysis.trade_off.correlation_rows`.
    contents
        As `sdd.experiment.contents.trade_off` returns it.
    """
    shown = [figure_fragment(figures, name, words) for name, words in FIGURES.items()]
    return [*shown, facts_fragment(correlation_table(read_rows(correlations), contents))]


def correlation_table(rows: Sequence[Mapping[str, Any]], contents: Mapping[str, Any]) -> FactTable:
    """Tabulate rank correlations, over all runs and over those of each algorithm."""
    names = {**PAPER_LABELS, **contents["labels"]}
    inside, outside = contents["domains"]
    columns = {
        "kl": "KL from the start",
        "in_domain_change": f"change, {inside}",
        "out_of_domain_change": f"change, {outside}",
    }
    return FactTable(
        "Rank correlations",
        ("of", "with", "algorithms", "points", "runs", "Spearman", "Kendall"),
        tuple(
            (
                *(columns[row[key]] for key in ("x", "y")),
                names.get(row["algorithms"], row["algorithms"]),
                *(row[key] for key in ("points", "runs")),
                *(correlation_text(row, name) for name in ("spearman", "kendall")),
            )
            for row in rows
        ),
        "95 % intervals over runs (an algorithm at a rate in a round, with all its steps): the "
        "jackknife, on Fisher's z with Student's t; none with fewer than four runs. Changes are in "
        "percentage points of EER since the start; starts themselves are left out.",
    )


def tuned_section(tuned: Path, labels: Mapping[str, str]) -> list[str]:
    """Return what was chosen on the validation set as HTML.

    Parameters
    ----------
    tuned
        The YAML that `tune` writes.
    labels
        Shown text of models and algorithms.
    """
    return [facts_fragment(tuned_table(read_yaml(tuned), labels))]


def tuned_table(content: Mapping[str, Mapping[str, Any]], labels: Mapping[str, str]) -> FactTable:
    """Tabulate the choices: of each row what was taken, of how many, and what to mind."""
    names = {**PAPER_LABELS, **labels}
    rows = []
    for row, choice in content.items():
        model, init, algorithm = row.split("/")
        low, high = (choice[key] for key in ("low", "high"))
        known = "" if low is None else interval(low, high)
        rows.append(
            (
                " ".join((names.get(model, model), init, names.get(algorithm, algorithm))),
                ", ".join(f"{name} {value}" for name, value in choice["chosen"].items()),
                f"{choice['value']:.4g} {known}".strip(),
                str(len(choice["candidates"])),
                "; ".join(choice["remarks"]) or NONE,
            )
        )
    measured = next(iter(content.values()))["measured"] if content else ""
    return FactTable(
        "Chosen on the validation set",
        ("row", "chosen", "validation", "candidates", "to mind"),
        tuple(rows),
        f"Measured: {measured}. No test set is read for it; tuned.yaml has every candidate.",
    )
