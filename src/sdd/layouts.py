"""What tables, figures, claims and the report show, read from an experiment's config."""

from typing import Any

from sdd.claims.statements import pairs_of_claims
from sdd.experiment import Experiment


def uncertainty_settings(experiment: Experiment, recipe: str) -> dict[str, Any]:
    """Give what intervals and comparisons depend on."""
    rows = row_identities(experiment)
    return {
        "rows": [
            {
                "identity": row,
                "cells": [f"{'/'.join(row)}/round{number}" for number in experiment.rounds(row[2])],
                "random": bool(experiment.stages(row[2])),
            }
            for row in rows
        ],
        "corpora": {name: experiment.corpus(name) for name in experiment.test_sets},
        "in_domain": experiment.in_domain,
        "out_of_domain": experiment.out_of_domain,
        "pairs": pairs_of_claims(rows),
        "score": experiment.config["recipes"][recipe]["score"],
        "seed": experiment.config["seed"],
    }


def claims_layout(experiment: Experiment) -> dict[str, Any]:
    """Give what the claims are put to, and the words of their page."""
    return {
        "models": list(dict.fromkeys(model for model, _, _ in row_identities(experiment))),
        "domains": {
            "in_domain": experiment.in_domain,
            "out_of_domain": experiment.out_of_domain,
        },
        "main": experiment.config["drift"]["model"],
        "labels": experiment.labels(),
        "title": f"The paper's claims in experiment {experiment.name}",
        "notes": experiment.config["notes"],
    }


def partial_layout(experiment: Experiment) -> dict[str, Any]:
    """Give what the table of an unfinished run shows: Table 1, and all cells and recipes."""
    return {
        **experiment.table_layout(),
        "cells": [cell.path for cell in experiment.cells()],
        "recipes": list(experiment.config["recipes"]),
    }


def row_identities(experiment: Experiment) -> list[tuple[str, str, str]]:
    """List (model, init, algorithm) of the table's rows, in order."""
    return [(row["model"], row["init"], row["algorithm"]) for row in experiment.config["rows"]]
