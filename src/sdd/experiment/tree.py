"""The tree of an experiment's files: the one place that has their names.

    results/{name}/                      what recipes share
        protocols/{corpus}.csv           audio/{corpus}.csv          segments/{set}.parquet
                                         audio/{corpus}/conditions/{set}/, mp3/{set}/: made of it
                                                                     segments/mp3/{set}.parquet
        checkpoints/{model}/{init}.safetensors
        shortcuts.csv                    shortcuts/{set}.parquet: trivial features
        pilot.csv                        pilot/{recipe}/{model}/: its parts, and scores of samples
        {recipe}/                        table1.csv, intervals.csv, claims.csv, report.html, ...
            {model}/{init}/{algorithm}/round{n}/      a cell
                model.safetensors   history.csv   eer.csv, breakdown.csv, drift.csv, drift.parquet
                calibration.json
                scores/{set}.parquet     embeddings/{set}.parquet
            tuning/{candidate}/{cell}/   history.csv of a cell trained with a candidate's settings
            tuning/choices/{model}/{init}/{algorithm}.yaml       tuned.yaml, which has all of them
            trade_off/{variant}/run/{cell}/                      history.csv
            trade_off/{variant}/step{n}/{cell}/                  as a cell: the run after n steps
            trade_off.csv, trade_off_correlations.csv, trade_off/figures/

Each is a pattern as Snakemake reads it: `<results>` is the experiment's folder, what stands in
braces is a wildcard. Rules take patterns as they are; `path` makes a path of one. Where a file has
several formats, its pattern ends before the suffix.
"""

import re
from pathlib import Path

# Shared by all recipes.
LOGS = "<results>/logs"
TOY_CORPORA = "<results>/toy_corpora.txt"
STUDY_LICENCES = "<results>/licences.txt"
INVENTORY = "<results>/inventory/{corpus}.jsonl"
INVENTORY_PAGE = "<results>/inventory/{page}.html"
PROTOCOL = "<results>/protocols/{corpus}.csv"
PROTOCOL_ATTEMPT = "<results>/protocols/{corpus}.attempt"
AUDIO_FOLDER = "<results>/audio"
AUDIO = f"{AUDIO_FOLDER}/{{corpus}}.csv"
AUDIO_ATTEMPT = f"{AUDIO_FOLDER}/{{corpus}}.attempt"
SEGMENTS = "<results>/segments/{set}.parquet"
SEGMENT_FILES = "<results>/segments/{set}/protocol.csv"
# Of a set whose segments of mp3 sources are encoded as mp3 again; names are those of SEGMENTS.
MP3_SEGMENTS = "<results>/segments/mp3/{set}.parquet"
# Folders of audio that is made of it: segments under a condition, and those that were mp3 again.
CONDITION_FOLDER = f"{AUDIO_FOLDER}/{{corpus}}/conditions/{{set}}"
MP3_FOLDER = f"{AUDIO_FOLDER}/{{corpus}}/mp3/{{set}}"
FEATURES = "<results>/shortcuts/{set}.parquet"
SHORTCUTS = "<results>/shortcuts.csv"
# A checkpoint is {model}/{init}.
CHECKPOINT = "<results>/checkpoints/{checkpoint}.safetensors"
CHECKPOINT_HISTORY = "<results>/checkpoints/{checkpoint}.csv"
CHECKPOINT_STATE = "<results>/checkpoints/{model}/state/{init}"
CERTIFICATE = "<results>/certificates/{checkpoint}.csv"
CERTIFICATES = "<results>/certificates.csv"
# A pilot's parts, of a recipe and a model, and their table, of all recipes.
PILOT = "<results>/pilot.csv"
PILOT_FOLDER = "<results>/pilot/{recipe}/{model}"
PILOT_TRAINING = f"{PILOT_FOLDER}/training/{{objective}}.csv"
PILOT_STATE = f"{PILOT_FOLDER}/state/{{objective}}"
PILOT_SCORING = f"{PILOT_FOLDER}/scoring.csv"
PILOT_SCORES = f"{PILOT_FOLDER}/scores/{{set}}.parquet"
RECIPES = "<results>/recipes"
PARTIAL_RECIPES = "<results>/partial/recipes"

# Of a recipe.
RECIPE = "<results>/{recipe}"
RECIPE_LOGS = f"{RECIPE}/logs"
INTERVALS = f"{RECIPE}/intervals.csv"
COMPARISONS = f"{RECIPE}/comparisons.csv"
CLAIMS = f"{RECIPE}/claims"
TABLE1 = f"{RECIPE}/table1"
DIFFERENCES = f"{RECIPE}/table1_minus_paper"
PARTIAL_TABLE1 = f"{RECIPE}/partial/table1"
FIGURE2 = f"{RECIPE}/figure2"
FIGURE2_COLUMN = f"{RECIPE}/figure2_column"
FIGURE2_CAPTION = f"{RECIPE}/figure2.caption.tex"
FIGURES = f"{RECIPE}/figures"
REPORT = f"{RECIPE}/report.html"

# Of a cell; states of unfinished jobs are no outputs of rules, and are deleted when they end.
CELL = f"{RECIPE}/{{cell}}"
CELL_LOGS = f"{CELL}/logs"
FINETUNING_LOG = f"{CELL_LOGS}/finetune.log"
MODEL = f"{CELL}/model.safetensors"
HISTORY = f"{CELL}/history.csv"
TRAINING_STATE = f"{CELL}/state/model"
SCORES = f"{CELL}/scores/{{set}}.parquet"
EMBEDDINGS = f"{CELL}/embeddings/{{set}}.parquet"
SCORING_STATE = f"{CELL}/state/scores"
SCORING_TIME = f"{CELL}/run_times/score_{{job}}.tsv"
EER = f"{CELL}/eer.csv"
BREAKDOWN = f"{CELL}/breakdown.csv"
CALIBRATION = f"{CELL}/calibration.json"
# All scores of a cell, in a record of the run alone.
RECORDED_SCORES = f"{CELL}/scores.parquet"
DRIFT = f"{CELL}/drift.csv"
DRIFT_REPLICATES = f"{CELL}/drift.parquet"

# Of the choice of settings on the validation set.
CANDIDATE = f"{RECIPE}/tuning/{{candidate}}/{{cell}}"
CANDIDATE_LOG = f"{CANDIDATE}/logs/finetune.log"
CANDIDATE_MODEL = f"{CANDIDATE}/model.safetensors"
CANDIDATE_HISTORY = f"{CANDIDATE}/history.csv"
CANDIDATE_STATE = f"{CANDIDATE}/state/model"
CHOICE = f"{RECIPE}/tuning/choices/{{model}}/{{init}}/{{algorithm}}.yaml"
TUNED = f"{RECIPE}/tuned.yaml"

# Of the trade-off: runs, and their weights after some steps, each of which is scored as a cell.
TRADE_OFF_RUN = f"{RECIPE}/trade_off/{{variant}}/run/{{cell}}"
TRADE_OFF_LOG = f"{TRADE_OFF_RUN}/logs/finetune.log"
TRADE_OFF_MODEL = f"{TRADE_OFF_RUN}/model.safetensors"
TRADE_OFF_HISTORY = f"{TRADE_OFF_RUN}/history.csv"
TRADE_OFF_STATE = f"{TRADE_OFF_RUN}/state/model"
STEP_MODEL = f"{RECIPE}/trade_off/{{variant}}/step{{step}}/{{cell}}/model.safetensors"
TRADE_OFF = f"{RECIPE}/trade_off.csv"
TRADE_OFF_CORRELATIONS = f"{RECIPE}/trade_off_correlations.csv"
TRADE_OFF_FIGURES = f"{RECIPE}/trade_off/figures"


def folder(name: str) -> Path:
    """Return the folder of an experiment's files."""
    return Path("results") / name


def path(pattern: str, results: Path | str, **names: str) -> Path:
    """Return the file that a pattern stands for.

    Parameters
    ----------
    pattern
        One of this module.
    **names
        A value for each wildcard.
    """
    return Path(pattern.replace("<results>", str(results)).format(**names))


def find(results: Path, pattern: str) -> list[Path]:
    """List the files of a pattern that are there, whatever stands for its wildcards."""
    below = pattern.removeprefix("<results>/")
    for wildcard, parts in (("{cell}", 4), ("{checkpoint}", 2)):
        below = below.replace(wildcard, "/".join("*" * parts))
    return sorted(results.glob(re.sub(r"\{[^}]*\}", "*", below)))


def fill(pattern: str, **names: str) -> str:
    """Return a pattern with values for some of its wildcards.

    >>> fill(SCORES, set="itw")
    '<results>/{recipe}/{cell}/scores/itw.parquet'
    """
    for name, value in names.items():
        pattern = pattern.replace(f"{{{name}}}", value)
    return pattern
