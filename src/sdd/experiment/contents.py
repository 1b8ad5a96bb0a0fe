"""What tables, figures, claims and the report show, read from an experiment's config."""

from typing import Any

from sdd.analysis.claims.eer_statements import pairs_of_claims
from sdd.experiment.experiment import Experiment


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


def figures_layout(experiment: Experiment, recipe: str) -> dict[str, Any]:
    """Give what the figures beyond the paper's show."""
    config, cells = experiment.config, experiment.cells()
    drift = config["drift"]
    first_panel: list[str] = next(iter(drift["panels"].values()), [])
    main = [cell for cell in cells if (cell.model, cell.init) == (drift["model"], drift["init"])]
    return {
        "name": experiment.name,
        "cells": [cell.path for cell in cells],
        "trained": [cell.path for cell in cells if experiment.stages(cell.algorithm)],
        "drift_cells": [cell.path for cell in experiment.drift_cells()],
        "det_cells": [cell.path for cell in main if cell.algorithm in first_panel],
        "domains": {
            config[domain]["title"]: sets
            for domain, sets in (
                ("in_domain", experiment.in_domain),
                ("out_of_domain", experiment.out_of_domain),
            )
        },
        "figure2": experiment.figure_layout(),
        "labels": experiment.labels(),
        "notes": config["notes"],
        "score": config["recipes"][recipe]["score"],
    }


def report_layout(experiment: Experiment, recipe: str, results: str) -> dict[str, Any]:
    """Give what the report shows.

    Parameters
    ----------
    experiment, recipe
        Whose report it is.
    results
        The experiment's folder, results/{name}.
    """
    config = experiment.config
    seeds = {
        cell.round: experiment.seed(cell, recipe)
        for cell in sorted(experiment.cells(), key=lambda cell: cell.round)
    }
    files = [
        (f"protocol of {corpus}", f"{results}/protocols/{corpus}.csv", config["data_root"])
        for corpus in experiment.corpora()
    ]
    files += [
        (f"segments of {name}", f"{results}/segments/{name}.parquet", experiment.corpus(name))
        for name in experiment.sets_in_use()
    ]
    for checkpoint in experiment.checkpoints_in_use():
        source = experiment.checkpoint(*checkpoint.split("/"))
        origin = ", ".join(source[key] for key in ("source", "licence", "digest") if key in source)
        path = f"{results}/checkpoints/{checkpoint}.safetensors"
        files.append((f"checkpoint {checkpoint}", path, origin))
    others = {"bootstrap, permutations, drift": config["seed"]}
    if "toy" in config:
        others["toy corpora"] = config["toy"]["seed"]
    return {
        "name": experiment.name,
        "table": partial_layout(experiment),
        "claims": claims_layout(experiment),
        "drift_cells": [cell.path for cell in experiment.drift_cells()],
        "recipes": config["recipes"],
        "seeds": seeds,
        "other_seeds": others,
        "files": files,
        "config": config,
    }


def row_identities(experiment: Experiment) -> list[tuple[str, str, str]]:
    """List (model, init, algorithm) of the table's rows, in order."""
    return [(row["model"], row["init"], row["algorithm"]) for row in experiment.config["rows"]]
