"""What tables, figures, claims and the report show, read from an experiment's config."""

import csv
from pathlib import Path
from typing import Any

from sdd.experiment import settings, tree
from sdd.experiment.conditions import in_words
from sdd.experiment.experiment import Experiment
from sdd.experiment.variants import tuned_rows


def table1(experiment: Experiment) -> dict[str, Any]:
    """Return what Table 1 shows: rows, columns and words."""
    config = experiment.config
    return {
        "rows": experiment.rows(),
        "in_domain": experiment.in_domain,
        "out_of_domain": experiment.out_of_domain,
        "group_titles": (config["in_domain"]["title"], config["out_of_domain"]["title"]),
        "labels": labels(experiment),
        "title": config["title"],
        "notes": config["notes"],
    }


def is_in_paper(experiment: Experiment, paper: Path) -> bool:
    """Tell whether any cell of Table 1 has a value in the paper's table, too.

    Parameters
    ----------
    paper
        The paper's table as CSV.
    """
    rows = set(experiment.rows())
    with paper.open(newline="", encoding="utf-8") as file:
        return any(
            row.get(name)
            for row in csv.DictReader(file)
            if (row["model"], row["init"], row["algorithm"]) in rows
            for name in experiment.test_sets
        )


def has_comparisons(experiment: Experiment) -> bool:
    """Tell whether two rows of Table 1 can be compared: two of one model."""
    models = [model for model, _, _ in experiment.rows()]
    return len(set(models)) < len(models)


def belongs_to_another(experiment: Experiment, other: str) -> str:
    """Say what to do about a target that is named as another experiment's."""
    known = {
        "paper": "",
        "demo": " --configfile demo/config.yaml",
        "controls": " --configfile controls.yaml",
        "study": " --configfile study/config.yaml study/controls.yaml",
    }
    own = known.get(other, f" --configfile FILE, whose `name` is {other}")
    return (
        f"{tree.folder(other)}/ is of an experiment named {other!r}, but the config is that of "
        f"{experiment.name!r}: run it with its own config (snakemake{own} -- TARGET), or ask for "
        f"the same file below {tree.folder(experiment.name)}/"
    )


def partial_table1(experiment: Experiment) -> dict[str, Any]:
    """Return what the table of an unfinished run shows: Table 1, and all cells and recipes."""
    return {
        **table1(experiment),
        "cells": [cell.path for cell in experiment.cells()],
        "recipes": list(experiment.config["recipes"]),
    }


def figure2(experiment: Experiment) -> dict[str, Any]:
    """Return what Figure 2 shows: panels, columns and words."""
    drift, names = experiment.config["drift"], labels(experiment)
    model = names.get(drift["model"], drift["model"])
    return {
        "title": drift.get("title", f"Drift of {model}"),
        "panels": drift["panels"],
        "test_sets": experiment.test_sets,
        "in_domain": experiment.in_domain,
        "reference_set": names.get(experiment.reference_set or "", experiment.reference_set),
        "method": drift["method"],
        "labels": names,
        "notes": experiment.config["notes"],
    }


def figures(experiment: Experiment, recipe: str) -> dict[str, Any]:
    """Return what the figures beyond the paper's show."""
    config, cells = experiment.config, experiment.cells()
    return {
        "name": experiment.name,
        "cells": [cell.path for cell in cells],
        "trained": [cell.path for cell in cells if experiment.is_trained(cell.algorithm)],
        "starts": _starts(experiment),
        "drift_cells": [cell.path for cell in experiment.drift_cells()],
        "main_cells": main_cells(experiment),
        "domains": {
            config["in_domain"]["title"]: experiment.in_domain,
            config["out_of_domain"]["title"]: experiment.out_of_domain,
        },
        "figure2": figure2(experiment),
        "labels": labels(experiment),
        "notes": config["notes"],
        "score": config["recipes"][recipe]["score"],
        "calibrated": experiment.scored_validation_set is not None,
    }


def main_cells(experiment: Experiment) -> list[str]:
    """Return the cells that are looked at more closely: those of the first panel of Figure 2."""
    drift = experiment.config["drift"]
    first_panel: list[str] = next(iter(drift["panels"].values()), [])
    return [
        cell.path
        for cell in experiment.cells()
        if (cell.model, cell.init) == (drift["model"], drift["init"])
        and cell.algorithm in first_panel
    ]


def _starts(experiment: Experiment) -> dict[str, str]:
    """Return the cell whose weights each trained cell starts from, where there is one."""
    starts = {}
    for cell in experiment.cells():
        if experiment.is_trained(cell.algorithm):
            before = experiment.cell_before(cell)
            if before is None and cell.init == "post":
                before = experiment.zero_shot_cell(cell.model)
            if before is not None:
                starts[cell.path] = before.path
    return starts


def claims(experiment: Experiment) -> dict[str, Any]:
    """Return models and test sets that the claims are tested on, and the words of their page."""
    return {
        "models": list(dict.fromkeys(model for model, _, _ in experiment.rows())),
        "domains": {"in_domain": experiment.in_domain, "out_of_domain": experiment.out_of_domain},
        "main": experiment.config["drift"]["model"],
        "labels": labels(experiment),
        "title": f"The paper's claims in experiment {experiment.name}",
        "notes": experiment.config["notes"],
    }


def trade_off(experiment: Experiment) -> dict[str, Any]:
    """Return the words of the trade-off's figures."""
    config, names = experiment.config, labels(experiment)
    model = config.get("trade_off", {}).get("model", "")
    return {
        "title": f"What fine-tuning {names.get(model, model)} gains and loses",
        "domains": [config["in_domain"]["title"], config["out_of_domain"]["title"]],
        "labels": names,
        "notes": config["notes"],
    }


def report(experiment: Experiment, recipe: str) -> dict[str, Any]:
    """Return what the report of a recipe shows."""
    config = experiment.config
    seeds = {
        cell.round: settings.seed(experiment, cell, recipe)
        for cell in sorted(experiment.cells(), key=lambda cell: cell.round)
    }
    others = {"bootstrap, drift": config["seed"]}
    if "toy" in config:
        others["toy corpora"] = config["toy"]["seed"]
    if "study" in config:
        others["corpora of the study"] = config["study"]["seed"]
    return {
        "name": experiment.name,
        "table1": partial_table1(experiment),
        "claims": claims(experiment),
        "drift_cells": [cell.path for cell in experiment.drift_cells()],
        "main_cells": main_cells(experiment),
        "figure2": figure2(experiment),
        "recipes": config["recipes"],
        "seeds": seeds,
        "other_seeds": others,
        "files": _made_from(experiment),
        "config": config,
        "tuned": bool(tuned_rows(experiment)),
        "trade_off": trade_off(experiment) if experiment.trade_off_cells() else None,
    }


def labels(experiment: Experiment) -> dict[str, str]:
    """Return the printed names of sets, models and algorithms, where the config has one."""
    config = experiment.config
    names: dict[str, str] = dict(config["algorithm_titles"])
    for section in ("models", "sets"):
        titles = {name: spec.get("title") for name, spec in config[section].items()}
        names |= {name: title for name, title in titles.items() if title}
    return names


def _origin(experiment: Experiment, set_name: str) -> str:
    """Say what a set is made from: its corpus, and its condition where it has one."""
    corpus, condition = experiment.corpus(set_name), experiment.condition(set_name)
    return corpus if condition is None else f"{corpus}; {in_words(condition)}"


def _made_from(experiment: Experiment) -> list[tuple[str, str, str]]:
    """List the files that results were made from: what it is, where, and where it comes from."""

    def place(pattern: str, **names: str) -> str:
        return str(tree.path(pattern, tree.folder(experiment.name), **names))

    root = experiment.config["data_root"]
    files = [
        (f"protocol of {corpus}", place(tree.PROTOCOL, corpus=corpus), root)
        for corpus in experiment.corpora()
    ]
    files += [
        (f"segments of {name}", place(tree.SEGMENTS, set=name), _origin(experiment, name))
        for name in experiment.sets_in_use()
    ]
    for checkpoint in experiment.checkpoints_in_use():
        source = experiment.checkpoint(*checkpoint.split("/"))
        origin = ", ".join(source[key] for key in ("source", "licence", "digest") if key in source)
        path = place(tree.CHECKPOINT, checkpoint=checkpoint)
        files.append((f"checkpoint {checkpoint}", path, origin))
    return files
