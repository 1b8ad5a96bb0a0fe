# Does fine-tuning by reinforcement learning (GRPO) generalise better than supervised fine-tuning
# (SFT) for speech deepfake detectors? The experiment of arXiv 2603.02914, from corpora to table.
#
#   corpora ─ protocols ─ audio ─ segments ─┐
#                                           ├─ fine-tuned cells ─ scores ─ EER ─── Table 1
#   checkpoints ────────────────────────────┘         └─ embeddings ─ drift ────── Figure 2
import os
from pathlib import Path

from snakemake.utils import min_version

min_version("9.11")


# Wherever Snakemake runs: the paper's experiment is beside this file. A working folder elsewhere may
# have a config.yaml of its own, which is laid over it.
configfile: os.path.relpath(Path(workflow.basedir) / "config.yaml")


if Path("config.yaml").is_file() and Path.cwd() != Path(workflow.basedir).resolve():

    configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/cluster.smk"
include: "workflow/rules/study.smk"
include: "workflow/rules/corpora.smk"
include: "workflow/rules/checkpoints.smk"
include: "workflow/rules/finetune.smk"
include: "workflow/rules/tune.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/trade_off.smk"
include: "workflow/rules/pilot.smk"
include: "workflow/rules/shortcuts.smk"
include: "workflow/rules/analysis.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/record.smk"
include: "workflow/rules/other_experiments.smk"


localrules:
    all,
    zero_shot,
    plan,
    protocols,
    segments,
    shortcuts,
    materialise,
    certify,


# Table 1 and Figure 2 of the recipe that the config selects.
rule all:
    default_target: True
    input:
        expand(TARGETS, recipe=config["recipe"]),
        MATERIALISED if config["materialise"] else [],


# Detectors without fine-tuning (rows 1, 13 and 17 of the paper): the cheapest real check.
rule zero_shot:
    input:
        expand(
            tree.EER,
            recipe=config["recipe"],
            cell=[cell.path for cell in EXPERIMENT.zero_shot_cells()],
        ),


# What it will take: jobs, GPU hours, memory and disk; nothing has to be there.
rule plan:
    log:
        f"{tree.LOGS}/plan.log",
    conda:
        "envs/sdd.yaml"
    params:
        code=code_digest("show_plan"),
    message:
        "Planning the experiment"
    script:
        "workflow/scripts/show_plan.py"


# Whether the corpora are there: fails with what is missing and where to get it.
rule protocols:
    input:
        expand(tree.PROTOCOL, corpus=EXPERIMENT.corpora()),


# All corpora decoded and cut: what can be made before anything is trained.
rule segments:
    input:
        expand(tree.SEGMENTS, set=EXPERIMENT.sets_in_use()),


# The segments of every set as files, for other tools; `materialise: true` makes them part of all.
rule materialise:
    input:
        MATERIALISED,


# Our detector beside real fairseq, on every checkpoint in use: largest differences as a table.
rule certify:
    input:
        tree.CERTIFICATES,


onstart:
    refuse_missing_encoders()
    refuse_what_does_not_fit()


onsuccess:
    print(report_where_results_are(config))
