# The experiment, and what rules ask about it. Names of its files are patterns of sdd.experiment.tree:
# <results> is results/{name}, and a cell is {model}/{init}/{algorithm}/round{n}.
import os
import re
import shlex
import sys
from functools import partial
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

# Rules and scripts use the library of this checkout: the code that the digests describe.
LIBRARY = str(Path(workflow.basedir) / "src")
sys.path.insert(0, LIBRARY)
# uv is there if `make env` fetched it and the user has none.
UV = str(Path(workflow.basedir) / ".uv/bin")
shell.prefix(
    f"export PYTHONPATH={shlex.quote(LIBRARY)}"
    + "${{PYTHONPATH:+:$PYTHONPATH}}; "
    + f'export PATH="$PATH":{shlex.quote(UV)}; '
)

from sdd.errors import InputError
from sdd.experiment import contents, settings, tree
from sdd.experiment.cells import CELL_PATTERN, Cell, Variant
from sdd.experiment.consistency import check_experiment
from sdd.experiment.experiment import Experiment
from sdd.experiment.fitting import Room, find_shortages
from sdd.experiment.needs import JobResources
from sdd.experiment.pilot import (
    last_objective,
    piloted_cells,
    piloted_checkpoints,
    read_pilot,
)
from sdd.experiment.plan import plan as plan_of
from sdd.experiment.schema import check_config
from sdd.experiment.variants import (
    candidate_named,
    trade_off_runs,
    trade_off_starts,
    trade_off_steps,
    tried_switches,
    tuned_rows,
    variants_of_row,
)
from sdd.runtime.attempts import read_attempt
from sdd.runtime.capacity import free_bytes, memory_bytes, usable_cores
from sdd.runtime.code_digest import code_digest
from sdd.runtime.digests import file_digest
from sdd.runtime.outputs import check_folder
from sdd.runtime.standard_streams import mend_streams

try:
    check_config(
        config,
        Path(workflow.basedir) / "workflow/schemas/config.schema.yaml",
        workflow.configfiles,
    )
    EXPERIMENT = Experiment(config)
    check_experiment(EXPERIMENT, workflow.configfiles)
    RESULTS = tree.folder(EXPERIMENT.name)
    NEEDS = JobResources(EXPERIMENT, pilot=read_pilot(RESULTS))
    # Snakemake itself writes to the working folder, and ends in a traceback where it cannot.
    check_folder(Path.cwd())
    check_folder(RESULTS)
except InputError as error:
    raise WorkflowError(str(error)) from None


pathvars:
    results=str(RESULTS),


wildcard_constraints:
    corpus="[^/]+",
    set="[^/]+",
    model="[^/]+",
    recipe="|".join(config["recipes"]),
    cell=CELL_PATTERN,


# A file of the checkout as seen from the working folder, which moves with it: what was made stays.
def of_checkout(name):
    return Path(os.path.relpath(Path(workflow.basedir) / name))


PAPER_TABLE = of_checkout("resources/table1.csv")
CELLS = [cell.path for cell in EXPERIMENT.cells()]
# Cells whose calibration is drawn, where there is one.
CALIBRATED_CELLS = (
    contents.main_cells(EXPERIMENT) if EXPERIMENT.scored_validation_set else []
)
DRIFT_CELLS = [cell.path for cell in EXPERIMENT.drift_cells()]

# What `all` makes of a recipe.
FORMATS = ("csv", "txt", "tex", "html", "png", "pdf")
TARGETS = [f"{tree.TABLE1}.{suffix}" for suffix in FORMATS]
if DRIFT_CELLS:
    TARGETS += [f"{tree.FIGURE2}.{suffix}" for suffix in ("png", "pdf")]
if contents.is_in_paper(EXPERIMENT, PAPER_TABLE):
    TARGETS.append(f"{tree.DIFFERENCES}.html")
# Claims compare rows of one model.
if contents.has_comparisons(EXPERIMENT):
    TARGETS.append(f"{tree.CLAIMS}.html")
TUNED_ROWS = tuned_rows(EXPERIMENT)
if TUNED_ROWS:
    TARGETS.append(tree.TUNED)
TRADE_OFF_STEPS = trade_off_steps(EXPERIMENT)
TRADE_OFF_RUNS = {run.name: run.changes for run in trade_off_runs(EXPERIMENT)}
TRADE_OFF_SCORED = [cell.path for cell in trade_off_starts(EXPERIMENT)] + [
    run.after(step) for run in trade_off_runs(EXPERIMENT) for step in TRADE_OFF_STEPS
]
TRADE_OFF_SETS = [
    *EXPERIMENT.test_sets,
    *filter(None, [EXPERIMENT.scored_validation_set]),
]
if TRADE_OFF_RUNS:
    TARGETS += [tree.TRADE_OFF, tree.TRADE_OFF_FIGURES]

CONDITIONED = [name for name in config["sets"] if EXPERIMENT.condition(name)]
MATERIALISED = expand(tree.SEGMENT_FILES, set=EXPERIMENT.sets_in_use())


# Scripts are handed folders, so that none of them guesses where files are.
def results_folder(wildcards):
    return str(RESULTS)


def audio_folder(wildcards):
    return str(tree.path(tree.AUDIO_FOLDER, RESULTS))


def one_of(names):
    """A wildcard constraint that matches exactly these names; nothing, if there are none."""
    return "|".join(names) or "(?!)"


def source_of_corpus(wildcards):
    """What a protocol is made from, as far as Snakemake can follow it.

    The toy corpora, where they are generated, and the user's own CSV once it is there, or is made.
    """
    own = csv_of_corpus(wildcards.corpus)
    made = wildcards.corpus in study_corpora()
    return toy_corpora() + ([own] if made or Path(own).is_file() else [])


def csv_of_corpus(corpus):
    path = config["corpora"][corpus].get("path", "")
    return path.replace("$ROOT", config["data_root"])


def toy_corpora():
    return [tree.TOY_CORPORA] if "toy" in config else []


def study_corpora():
    """The corpora of the study, which are made: those whose CSV has their name below data_root."""
    root = config["data_root"]
    corpora = config["corpora"] if "study" in config else []
    return [name for name in corpora if csv_of_corpus(name) == f"{root}/{name}.csv"]


def study_corpora_files(corpora):
    return [csv_of_corpus(name) for name in corpora if name in study_corpora()]


def protocol_of_set(wildcards):
    return ancient(tree.fill(tree.PROTOCOL, corpus=EXPERIMENT.corpus(wildcards.set)))


def audio_of_set(wildcards):
    return ancient(tree.fill(tree.AUDIO, corpus=EXPERIMENT.corpus(wildcards.set)))


def digests_of(*patterns):
    """A parameter that follows the content of a corpus' small files.

    It takes wildcards alone: Snakemake does not record parameters that are made of inputs.
    """

    def digests(wildcards):
        corpus = getattr(wildcards, "corpus", None) or EXPERIMENT.corpus(wildcards.set)
        paths = [tree.path(pattern, RESULTS, corpus=corpus) for pattern in patterns]
        return [file_digest(path) if path.is_file() else "" for path in paths]

    return digests


def attempts_of(pattern):
    """A parameter that is another one after an attempt that failed (sdd.runtime.attempts)."""
    return lambda wildcards: read_attempt(tree.path(pattern, RESULTS, **wildcards))


def file_of(pattern):
    """A parameter: the path of an undeclared file."""
    return lambda wildcards: str(tree.path(pattern, RESULTS, **wildcards))


def prepared(*sets):
    """What a job that reads the audio of sets waits for, so that none runs while it is made anew."""
    corpora = dict.fromkeys(EXPERIMENT.corpus(name) for name in sets if name)
    patterns = (tree.PROTOCOL, tree.AUDIO)
    return [
        ancient(tree.fill(pattern, corpus=corpus))
        for corpus in corpora
        for pattern in patterns
    ]


def segments_of(set_name):
    """The segment table of a set that the config names; rules that lack one are never run."""
    return tree.fill(tree.SEGMENTS, set=str(set_name))


def heard(set_name):
    """The segment table of a set whose audio a job of a recipe hears."""

    def table(wildcards):
        again = EXPERIMENT.is_encoded_again(set_name, wildcards.recipe)
        return tree.fill(tree.MP3_SEGMENTS if again else tree.SEGMENTS, set=set_name)

    return table


def all_heard(sets):
    return lambda wildcards: [heard(name)(wildcards) for name in sets]


def kept_or_temporary(model):
    return temp(model) if config["keep_models"] == "none" else model


def model_of_cell(wildcards):
    """The weights to score: the cell's own, or the checkpoint where nothing is fine-tuned."""
    if EXPERIMENT.stages(Cell.parse(wildcards.cell).algorithm):
        return tree.fill(tree.MODEL, **wildcards)
    return checkpoint_of_cell(wildcards)


def start_of_cell(wildcards):
    """What a cell's last stage starts from: the stage before, or the checkpoint."""
    return start_of(Cell.parse(wildcards.cell), wildcards.recipe)


def start_of_stage_before(wildcards):
    """What the stage before a cell's last one started from."""
    before = EXPERIMENT.cell_before(Cell.parse(wildcards.cell))
    return start_of(before, wildcards.recipe)


def start_of(cell, recipe):
    before = EXPERIMENT.cell_before(cell)
    if before is None:
        return checkpoint_of(cell)
    return tree.fill(tree.MODEL, recipe=recipe, cell=before.path)


def checkpoint_of_cell(wildcards):
    return checkpoint_of(Cell.parse(wildcards.cell))


def checkpoint_of(cell):
    return tree.fill(tree.CHECKPOINT, checkpoint=f"{cell.model}/{cell.init}")


def row_of(wildcards):
    return wildcards.model, wildcards.init, wildcards.algorithm


def choice_of_cell(wildcards):
    """The settings chosen for a cell, where its algorithm is tuned."""
    cell = Cell.parse(wildcards.cell)
    if not tried_switches(EXPERIMENT, cell.algorithm):
        return []
    names = {"model": cell.model, "init": cell.init, "algorithm": cell.algorithm}
    return [tree.fill(tree.CHOICE, recipe=wildcards.recipe, **names)]


def candidate_of(wildcards):
    return candidate_named(EXPERIMENT, Cell.parse(wildcards.cell), wildcards.candidate)


def histories_of_candidates(wildcards):
    return [
        tree.fill(
            tree.CANDIDATE_HISTORY,
            recipe=wildcards.recipe,
            candidate=variant.name,
            cell=variant.cell.path,
        )
        for variant in variants_of_row(EXPERIMENT, row_of(wildcards))
    ]


def run_of(wildcards):
    """A run of the trade-off."""
    return Variant(Cell.parse(wildcards.cell), TRADE_OFF_RUNS[wildcards.variant])


def record_folder(wildcards):
    """The record of this experiment; without the key, an error that says so."""
    if "record" not in config:
        raise WorkflowError(
            "the config has no `record:`, a folder to keep the run in; docs/results.md shows it"
        )
    return str(Path(config["record"]) / EXPERIMENT.name)


def codes_of_record():
    """Digests of the code that what a record keeps was made by."""
    scripts = ("pretrain_encoder", "finetune", "score", "measure_drift")
    return {script: code_digest(script) for script in scripts}


def asked_for(pattern, section):
    """What a section of the config asks for; without the section, an error that says so."""

    def files(wildcards):
        if section not in config:
            raise WorkflowError(
                f"the config has no `{section}:`; docs/trade-off.md shows what to add"
            )
        return tree.fill(pattern, recipe=config["recipe"])

    return files


def memory(needs):
    """A rule's mem_mb, of the needs that a function of wildcards gives."""
    return lambda wildcards, attempt: needs(wildcards).memory_mb(attempt)


def runtime(needs):
    """A rule's runtime in minutes, of the needs that a function of wildcards gives."""
    longest = NEEDS.longest_hours
    return lambda wildcards, attempt: needs(wildcards).minutes(attempt, longest)


def number_of_attempt(wildcards, attempt):
    """A resource by which a script knows a retry, so as not to repeat what cannot succeed."""
    return attempt


def needs_of_finetuning(wildcards):
    return NEEDS.finetuning(Cell.parse(wildcards.cell), wildcards.recipe)


def needs_of_averaging(wildcards):
    return NEEDS.averaging(Cell.parse(wildcards.cell))


def needs_of_candidate(wildcards):
    return NEEDS.candidate(candidate_of(wildcards), wildcards.recipe)


def needs_of_followed_training(wildcards):
    return NEEDS.followed_training(run_of(wildcards), wildcards.recipe)


def needs_of_posttraining(wildcards):
    return NEEDS.posttraining(wildcards.model)


def needs_of_scoring(sets, wildcards):
    precision = EXPERIMENT.scoring_precision(wildcards.recipe)
    return NEEDS.scoring(Cell.parse(wildcards.cell).model, sets, precision)


def needs_of_preparation(wildcards):
    return NEEDS.preparation(wildcards.corpus)


def needs_of_remaking(wildcards):
    return NEEDS.remaking(wildcards.set)


def needs_of_uncertainty(wildcards):
    return NEEDS.uncertainty()


def needs_of_fetching(wildcards):
    return NEEDS.fetching(wildcards.checkpoint.split("/")[0])


def report_where_results_are(config):
    """The table and the files to look at, for a terminal of any locale."""
    mend_streams()
    targets = [*TARGETS, tree.REPORT]
    paths = [tree.path(name, RESULTS, recipe=config["recipe"]) for name in targets]
    made = [path for path in paths if path.exists()]
    if not made:
        return "Done."
    table = tree.path(f"{tree.TABLE1}.txt", RESULTS, recipe=config["recipe"])
    words = [table.read_text(encoding="utf-8")] if table in made else []
    return "\n".join([*words, "Results to look at:", *(f"  {path}" for path in made)])


def refuse_what_does_not_fit():
    """Before the first job of the whole experiment: a line for each thing that there is too little of."""
    if not {job.rule.name for job in workflow.dag.targetjobs} & {"all", "report"}:
        return
    here = workflow.local_exec
    memory_gb = (memory_bytes() or 0) / 1e9
    shortages = find_shortages(
        plan_of(EXPERIMENT, NEEDS, config["recipe"], RESULTS),
        Room(
            folder=RESULTS,
            free_gb=free_bytes(RESULTS) / 1e9,
            memory_gb=memory_gb if here and memory_gb else None,
            cores=usable_cores() if here else None,
            given_cores=workflow.cores if here else None,
        ),
        threads=config["threads"],
        keeps_models=config["keep_models"] != "none",
    )
    for shortage in shortages:
        if not shortage.impossible:
            logger.warning(shortage.text)
    if impossible := [shortage.text for shortage in shortages if shortage.impossible]:
        raise WorkflowError("\n".join(impossible))


def refuse_missing_encoders():
    """Before the first job: what sets in use are encoded by is in the libraries' builds."""
    sets = EXPERIMENT.sets_in_use()
    named = {(EXPERIMENT.condition(name) or {}).get("codec") for name in sets} - {None}
    again = any(EXPERIMENT.is_encoded_again(name, config["recipe"]) for name in sets)
    if not named and not again:
        return
    # Only where it is needed: this imports the libraries of audio.
    from sdd.data.audio.codecs import CODECS, MP3_FILE
    from sdd.data.audio.coding import check_encoders

    codecs = [CODECS[name] for name in sorted(named)] + [MP3_FILE] * again
    try:
        check_encoders(codecs)
    except InputError as error:
        raise WorkflowError(str(error)) from None


PILOTED = {
    (cell.model, last_objective(EXPERIMENT, cell)): cell
    for cell in piloted_cells(EXPERIMENT, config["recipe"])
}


def piloted_cell(wildcards):
    asked = (wildcards.model, wildcards.objective)
    if asked not in PILOTED:
        known = ", ".join(map(" ".join, PILOTED)) or "none"
        raise WorkflowError(f"{' '.join(asked)} is not piloted; known: {known}")
    return PILOTED[asked]


def checkpoint_of_pilot(wildcards):
    cell = piloted_cell(wildcards)
    return tree.fill(tree.CHECKPOINT, checkpoint=f"{cell.model}/{cell.init}")


def needs_of_piloted_training(wildcards):
    return NEEDS.piloted_training(piloted_cell(wildcards), wildcards.recipe)


def needs_of_piloted_scoring(wildcards):
    precision = EXPERIMENT.scoring_precision(wildcards.recipe)
    return NEEDS.piloted_scoring(wildcards.model, precision)


def folders_of_inputs():
    """The experiments that own corpora are read from, beside this one."""
    paths = [
        Path(corpus["path"].replace("$ROOT", config["data_root"]))
        for corpus in config["corpora"].values()
        if "path" in corpus
    ]
    return [
        re.escape(path.parts[1])
        for path in paths
        if len(path.parts) > 2 and path.parts[0] == RESULTS.parts[0]
    ]


def name_of_another():
    """A pattern of the names of experiments that are neither this one nor read by it."""
    known = "|".join([EXPERIMENT.name, *folders_of_inputs()])
    return f"(?!(?:{known})/)[^/]+"


def refuse_other_experiment(wildcards):
    raise WorkflowError(contents.belongs_to_another(EXPERIMENT, wildcards.other))
