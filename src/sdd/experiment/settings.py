"""What single jobs depend on: for each kind of job, its slice of the config.

A rule hands its job nothing else, so that a value of the config makes again what it is a value of.
"""

import json
from typing import Any

from sdd.experiment import tree
from sdd.experiment.cells import Cell, Variant
from sdd.experiment.experiment import Experiment
from sdd.experiment.pilot import SCORING, TRAINING, last_objective
from sdd.experiment.training_needs import training_switches
from sdd.experiment.variants import (
    trade_off_runs,
    trade_off_start,
    trade_off_starts,
    trade_off_steps,
    tried_switches,
    variants_of_row,
)

UNREADABLE = "unreadable_sources"
CLUSTERS = "clusters"
CONDITION = "condition"
ROUND_SEED_STEP = 100_003


def reader(experiment: Experiment, corpus: str) -> dict[str, Any]:
    """Return how a corpus is read: its reader, the options of that, and its partitions in use."""
    spec = {
        key: value
        for key, value in experiment.config["corpora"][corpus].items()
        if key not in (UNREADABLE, CLUSTERS)
    }
    if spec["reader"] == "folders":
        spec["corpus"] = corpus
    return {**spec, "partitions": experiment.partitions(corpus)}


def unreadable_sources(experiment: Experiment, corpus: str) -> int:
    """Return how many files of a corpus may be missing or unreadable."""
    allowed = experiment.config["corpora"][corpus].get(UNREADABLE, experiment.config[UNREADABLE])
    return int(allowed)


def part(experiment: Experiment, set_name: str) -> dict[str, Any]:
    """Return how a set is cut out of its corpus."""
    spec = experiment.config["sets"][set_name]
    return {key: value for key, value in spec.items() if key != CONDITION}


def place(experiment: Experiment, set_name: str, pattern: str) -> str:
    """Return where audio of a set that is made anew lies, below the folder of all audio."""
    folder = tree.fill(pattern, corpus=experiment.corpus(set_name), set=set_name)
    return folder.removeprefix(f"{tree.AUDIO_FOLDER}/")


def pretraining(experiment: Experiment, model: str) -> dict[str, Any]:
    """Return what self-supervised pre-training depends on, besides its set."""
    options = dict(experiment.config["checkpoint_training"]["pre"])
    options.pop("training_set", None)
    return {
        "architecture": experiment.architecture(model),
        "seed": experiment.config["seed"],
        **options,
    }


def posttraining(experiment: Experiment, model: str) -> dict[str, Any]:
    """Return what post-training depends on: SFT with a recipe of its own."""
    return {
        "architecture": experiment.architecture(model),
        "objective": {"kind": "sft"},
        "recipe": training_switches(experiment.config["checkpoint_training"]["post"]),
        "seed": experiment.config["seed"],
        "checkpoint_is_reference": False,
        "new_back_end": True,
    }


def finetuning(experiment: Experiment, cell: Cell, recipe: str) -> dict[str, Any]:
    """Return what a cell's last stage depends on, less the switches that `tune` chooses.

    `sdd.experiment.variants.with_choice` lays these over it.
    """
    settings = with_changes(experiment, Variant(cell, {}), recipe)
    chosen = tried_switches(experiment, cell.algorithm)
    switches = {name: value for name, value in settings["recipe"].items() if name not in chosen}
    return {**settings, "recipe": switches}


def followed_training(experiment: Experiment, variant: Variant, recipe: str) -> dict[str, Any]:
    """Return what a run of the trade-off depends on: it goes on to the last step that is scored."""
    steps = trade_off_steps(experiment)
    settings = with_changes(experiment, variant, recipe)
    to_the_end = {"max_steps": steps[-1], "early_stopping": None}
    return {**settings, "recipe": {**settings["recipe"], **to_the_end}, "kept_steps": steps}


def with_changes(experiment: Experiment, variant: Variant, recipe: str) -> dict[str, Any]:
    """Return what the last stage of a variant of a cell depends on."""
    cell = variant.cell
    of_stage = {**experiment.stage_recipe(cell.algorithm, recipe), **variant.changes}
    return {
        "architecture": experiment.architecture(cell.model),
        "objective": experiment.objective(cell.algorithm),
        "recipe": training_switches(of_stage),
        "seed": seed(experiment, cell, recipe),
        # A pre-trained encoder has no back end and can be no reference.
        "checkpoint_is_reference": cell.init == "post" and of_stage["reference"] == "post_trained",
        "new_back_end": cell.init == "pre" and experiment.cell_before(cell) is None,
    }


def averaging(experiment: Experiment, cell: Cell, recipe: str) -> dict[str, Any]:
    """Return what a cell's average depends on: between start and end of the stage before."""
    before = experiment.cell_before(cell)
    assert before is not None  # held by the consistency of the config
    of_before = finetuning(experiment, before, recipe)
    shared = ("architecture", "seed", "new_back_end")
    return {
        "weight": experiment.objective(cell.algorithm)["weight"],
        **{name: of_before[name] for name in shared},
    }


def seed(experiment: Experiment, cell: Cell, recipe: str) -> int:
    """Return the seed of a cell: rounds differ, unless the recipe says they are the same.

    Epochs count up from a round's seed, so rounds are further apart than there are epochs.
    """
    same = experiment.config["recipes"][recipe]["round_seeds"] == "same"
    return int(experiment.config["seed"]) + (0 if same else ROUND_SEED_STEP * (cell.round - 1))


def certificate_options(experiment: Experiment, checkpoint: str, converted: str) -> list[str]:
    """Return the arguments that certify a checkpoint.

    Parameters
    ----------
    checkpoint
        Written as ``{model}/{init}``, like its folder.
    converted
        What the workflow made of it; held against the file as published, or against itself where
        it was trained here.
    """
    model, init = checkpoint.split("/")
    spec, architecture = experiment.checkpoint(model, init), experiment.architecture(model)
    if not isinstance(architecture, str):
        architecture = json.dumps(architecture)
    options = ["--architecture", architecture]
    if init == "pre":
        options.append("--encoder-only")
    if spec["source"] == "train":
        return [converted, *options]
    if "digest" in spec:
        options += ["--digest", spec["digest"]]
    downloads = str(experiment.config["download_folder"])
    return [spec["source"], *options, "--downloads", downloads, "--ours", converted]


def scoring(experiment: Experiment, cell: Cell, recipe: str) -> dict[str, Any]:
    """Return what a cell's scores depend on."""
    return {
        "architecture": experiment.architecture(cell.model),
        "skip_suffixes": list(experiment.config["recipes"][recipe]["skip_suffixes"]),
        "batch_seconds": experiment.config["scoring"]["batch_seconds"],
        "precision": experiment.scoring_precision(recipe),
    }


def error_rates(experiment: Experiment, recipe: str) -> dict[str, Any]:
    """Return how error rates are measured of the scores of a recipe."""
    chosen = experiment.config["recipes"][recipe]
    return {
        "score": chosen["score"],
        "skip_suffixes": list(chosen["skip_suffixes"]),
        "domains": [experiment.in_domain, experiment.out_of_domain],
    }


def drift(experiment: Experiment) -> dict[str, Any]:
    """Return the method, replicates and seed that drift is measured with."""
    options = experiment.config["drift"]
    sets = [*experiment.test_sets, *filter(None, [experiment.reference_set])]
    corpora = {name: experiment.corpus(name) for name in sets}
    return {
        "corpora": corpora,
        "clusters": {corpus: clusters(experiment, corpus) for corpus in corpora.values()},
        "method": options["method"],
        "replicates": options["replicates"],
        "seed": experiment.config["seed"],
    }


def clusters(experiment: Experiment, corpus: str) -> str | dict[str, str]:
    """Return what is drawn of a corpus where resampling draws something anew."""
    rule: str | dict[str, str] = experiment.config["corpora"][corpus].get(CLUSTERS, "auto")
    return rule


def uncertainty(experiment: Experiment, recipe: str) -> dict[str, Any]:
    """Return what intervals and comparisons of a recipe's table depend on."""
    corpora = {name: experiment.corpus(name) for name in experiment.test_sets}
    return {
        "rows": [
            {
                "identity": (model, init, algorithm),
                "cells": [
                    Cell(model, init, algorithm, number).path
                    for number in experiment.rounds(algorithm)
                ],
                "trained": bool(experiment.stages(algorithm)),
            }
            for model, init, algorithm in experiment.rows()
        ],
        "corpora": corpora,
        "clusters": {corpus: clusters(experiment, corpus) for corpus in corpora.values()},
        "in_domain": experiment.in_domain,
        "out_of_domain": experiment.out_of_domain,
        "score": experiment.config["recipes"][recipe]["score"],
        "seed": experiment.config["seed"],
        "compared": experiment.compared_rows(),
    }


def shortcuts(experiment: Experiment) -> dict[str, Any]:
    """Return on which sets trivial features are tried, and on which one they are trained."""
    sets = experiment.shortcut_sets()
    training = experiment.config["training_set"]
    corpora = {name: experiment.corpus(name) for name in sets}
    return {
        "training_set": training if training in sets else None,
        "corpora": corpora,
        "clusters": {corpus: clusters(experiment, corpus) for corpus in corpora.values()},
        "seed": experiment.config["seed"],
    }


def choice(experiment: Experiment, row: tuple[str, str, str], recipe: str) -> dict[str, Any]:
    """Return what the choice of a row's settings depends on, beside the histories."""
    return {
        "candidates": [
            {"settings": dict(variant.changes), "round": variant.cell.round}
            for variant in variants_of_row(experiment, row)
        ],
        "selection": experiment.config["recipes"][recipe]["selection"],
        "validation_set": experiment.config["validation_set"],
    }


def trade_off(experiment: Experiment, recipe: str) -> dict[str, Any]:
    """Return what is measured along the runs of the trade-off, and of which scores."""
    return {
        "starts": [cell.path for cell in trade_off_starts(experiment)],
        "runs": [
            {
                "cell": variant.cell.path,
                "learning_rate": variant.changes["learning_rate"],
                "start": trade_off_start(experiment, variant.cell).path,
                "steps": {step: variant.after(step) for step in trade_off_steps(experiment)},
            }
            for variant in trade_off_runs(experiment)
        ],
        "in_domain": experiment.in_domain,
        "out_of_domain": experiment.out_of_domain,
        "validation_set": str(experiment.scored_validation_set),
        "score": experiment.config["recipes"][recipe]["score"],
        "skip_suffixes": list(experiment.config["recipes"][recipe]["skip_suffixes"]),
    }


def piloted_training(experiment: Experiment, cell: Cell, recipe: str) -> dict[str, Any]:
    """Return what a pilot of a cell's last stage depends on: it starts from the checkpoint."""
    objective = last_objective(experiment, cell)
    options = experiment.config["pilot"]
    return {
        "stage": {
            **with_changes(experiment, Variant(cell, {}), recipe),
            "new_back_end": cell.init == "pre",
        },
        "identity": {
            **_piloted(TRAINING, cell, recipe),
            "name": objective,
            "precision": experiment.config["recipes"][recipe]["precision"],
        },
        "run": {name: options[name] for name in ("steps", "warm_up_steps", "minutes")},
    }


def piloted_scoring(experiment: Experiment, model: str, recipe: str) -> dict[str, Any]:
    """Return what a pilot of scoring depends on: the post-trained detector as it is."""
    cell = Cell(model, "post", "none", 1)
    options, scored = experiment.config["pilot"], scoring(experiment, cell, recipe)
    return {
        "scoring": scored,
        "identity": {
            **_piloted(SCORING, cell, recipe),
            "precision": scored["precision"],
        },
        "sample": {
            "segments": options["segments"],
            "audio_minutes": options["audio_minutes"],
            "seed": experiment.config["seed"],
        },
    }


def _piloted(work: str, cell: Cell, recipe: str) -> dict[str, str]:
    return {"work": work, "recipe": recipe, "model": cell.model, "init": cell.init}


def pilot_table(experiment: Experiment) -> dict[str, Any]:
    """Return what the parts of a pilot are looked for by, and how samples are measured."""
    config, corpora = experiment.config, {s: experiment.corpus(s) for s in experiment.test_sets}
    return {
        "scores": {name: recipe["score"] for name, recipe in config["recipes"].items()},
        "models": list(config["models"]),
        "objectives": list(config["objectives"]),
        "corpora": corpora,
        "clusters": {corpus: clusters(experiment, corpus) for corpus in corpora.values()},
        "seed": config["seed"],
    }


RECORDED = (
    "seed",
    "toy",
    "study",
    "corpora",
    "sets",
    "min_seconds",
    "training_set",
    "validation_set",
    "reference_set",
    "models",
    "objectives",
    "algorithms",
    "recipes",
    "checkpoint_training",
    "tune",
    "trade_off",
)
"""Keys of the config that say what training and scores are; rows and rounds may be added later."""


def recorded(experiment: Experiment) -> dict[str, Any]:
    """Return what of the config all that a run keeps depends on."""
    return {key: experiment.config[key] for key in RECORDED if key in experiment.config}
