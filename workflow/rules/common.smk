# The experiment, and where its files are: <results> is results/{name}; below it lie what recipes
# share and, as {recipe}/{cell}, the folders of cells: recipe/model/init/algorithm/roundN.
import shlex
import sys
from functools import partial
from pathlib import Path

from snakemake.exceptions import WorkflowError

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

from sdd.runtime.cluster import ignore_the_clusters_warning, last_known
from sdd.runtime.code_digest import code_digest
from sdd.experiment.schema import check_config
from sdd.experiment.consistency import check_experiment
from sdd.errors import InputError
from sdd.experiment.experiment import Cell, Experiment
from sdd.experiment.contents import (
    claims_layout,
    figures_layout,
    partial_layout,
    report_layout,
    uncertainty_settings,
)
from sdd.experiment.needs import JobResources

ignore_the_clusters_warning()
# The Slurm plugin looks up MinJobAge before each look at the queue. While slurmctld does not answer
# it takes it for none and asks sacct, which without accounting never answers: it then forgets its
# jobs, and Snakemake waits for ever.
if plugin := sys.modules.get("snakemake_executor_plugin_slurm"):
    plugin.get_min_job_age = last_known(plugin.get_min_job_age, at_first=300)

try:
    check_config(
        config,
        Path(workflow.basedir) / "workflow/schemas/config.schema.yaml",
        workflow.configfiles,
    )
    EXPERIMENT = Experiment(config)
    check_experiment(EXPERIMENT, workflow.configfiles)
    NEEDS = JobResources(EXPERIMENT)
except InputError as error:
    raise WorkflowError(str(error)) from None


pathvars:
    results=f"results/{EXPERIMENT.name}",


wildcard_constraints:
    corpus="[^/]+",
    set="[^/]+",
    model="[^/]+",
    recipe="|".join(config["recipes"]),
    cell="[^/]+/[^/]+/[^/]+/round[0-9]+",


PAPER_TABLE = Path(workflow.basedir) / "resources/table1.csv"
RESULTS = [f"table1.{suffix}" for suffix in ("csv", "tex", "html", "png", "pdf")]
if EXPERIMENT.drift_cells():
    RESULTS += ["figure2.png", "figure2.pdf"]
RESULTS += ["table1_minus_paper.html", "claims.html"]

MATERIALISED = expand(
    "<results>/segments/{set}/protocol.csv", set=EXPERIMENT.sets_in_use()
)


def one_of(names):
    """A wildcard constraint that matches exactly these names; nothing, if there are none."""
    return "|".join(names) or "(?!)"


def source_of_corpus(wildcards):
    """What a protocol is made from, as far as Snakemake can follow it.

    The toy corpora, where they are generated, and the user's own CSV once it is there.
    """
    own = config["corpora"][wildcards.corpus].get("path", "")
    own = own.replace("$ROOT", config["data_root"])
    toy = ["<results>/toy_corpora.txt"] if "toy" in config else []
    return toy + ([own] if Path(own).is_file() else [])


def kept_or_temporary(model):
    return temp(model) if config["keep_models"] == "none" else model


def model_of_cell(wildcards):
    """The weights to score: the cell's own, or the checkpoint where nothing is fine-tuned."""
    cell = Cell.parse(wildcards.cell)
    if EXPERIMENT.stages(cell.algorithm):
        return f"<results>/{wildcards.recipe}/{wildcards.cell}/model.safetensors"
    return f"<results>/checkpoints/{cell.model}/{cell.init}.safetensors"


def start_of_cell(wildcards):
    """What a cell's last stage starts from: the stage before, or the checkpoint."""
    cell = Cell.parse(wildcards.cell)
    before = EXPERIMENT.algorithm_before(cell.algorithm)
    if before is None:
        return checkpoint_of_cell(wildcards)
    start = Cell(cell.model, cell.init, before, cell.round)
    return f"<results>/{wildcards.recipe}/{start.path}/model.safetensors"


def checkpoint_of_cell(wildcards):
    cell = Cell.parse(wildcards.cell)
    return f"<results>/checkpoints/{cell.model}/{cell.init}.safetensors"


def memory(needs):
    """A rule's mem_mb, of the needs that a function of wildcards gives."""
    return lambda wildcards, attempt: needs(wildcards).memory_mb(attempt)


def runtime(needs):
    """A rule's runtime in minutes, of the needs that a function of wildcards gives."""
    longest = NEEDS.longest_hours
    return lambda wildcards, attempt: needs(wildcards).minutes(attempt, longest)


def needs_of_finetuning(wildcards):
    return NEEDS.finetuning(Cell.parse(wildcards.cell), wildcards.recipe)


def needs_of_posttraining(wildcards):
    return NEEDS.posttraining(wildcards.model)


def needs_of_scoring(sets, wildcards):
    return NEEDS.scoring(Cell.parse(wildcards.cell).model, sets)


def needs_of_preparation(wildcards):
    return NEEDS.preparation(wildcards.corpus)


def needs_of_uncertainty(wildcards):
    return NEEDS.uncertainty()


def needs_of_fetching(wildcards):
    return NEEDS.fetching(wildcards.checkpoint.split("/")[0])


def report_where_results_are(config):
    folder = Path("results") / config["name"] / config["recipe"]
    names = [*RESULTS, "report.html"]
    made = [folder / name for name in names if (folder / name).exists()]
    return (
        "Results to look at:\n" + "\n".join(f"  {path}" for path in made)
        if made
        else "Done."
    )
