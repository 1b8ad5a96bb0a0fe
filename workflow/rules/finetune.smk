# The state of an unfinished run lies undeclared beside the cell, in state/: a killed, preempted or
# requeued job goes on from it.
# keep_models: none lets Snakemake delete a cell's weights after its scores, and after the second
# stages that start from them.
# What `tune` chooses is an input: no parameter could follow a file that is made in the same run.
rule finetune:
    input:
        start=start_of_cell,
        checkpoint=checkpoint_of_cell,
        training=heard(config["training_set"]),
        validation=heard(config["validation_set"]),
        prepared=prepared(config["training_set"], config["validation_set"]),
        choice=choice_of_cell,
    output:
        model=kept_or_temporary(tree.MODEL),
        history=tree.HISTORY,
    log:
        tree.FINETUNING_LOG,
    wildcard_constraints:
        cell=EXPERIMENT.finetuned_cells,
    conda:
        "../../envs/sdd.yaml"
    threads: config["threads"]["train"]
    resources:
        gpu=1,
        mem_mb=memory(needs_of_finetuning),
        runtime=runtime(needs_of_finetuning),
        attempt=number_of_attempt,
    params:
        settings=lambda wildcards: settings.finetuning(
            EXPERIMENT, Cell.parse(wildcards.cell), wildcards.recipe
        ),
        audio=audio_folder,
        state=lambda wildcards: str(
            tree.path(tree.TRAINING_STATE, RESULTS, **wildcards)
        ),
        code=code_digest("finetune"),
    message:
        "Fine-tuning {wildcards.cell}"
    script:
        "../scripts/finetune.py"


# A stage that averages: weights between start and end of the stage before, which is trained.
rule average_weights:
    input:
        start=start_of_stage_before,
        end=start_of_cell,
    output:
        model=kept_or_temporary(tree.MODEL),
    log:
        f"{tree.CELL_LOGS}/average_weights.log",
    wildcard_constraints:
        cell=EXPERIMENT.averaged_cells,
    conda:
        "../../envs/sdd.yaml"
    resources:
        mem_mb=memory(needs_of_averaging),
        runtime=runtime(needs_of_averaging),
    params:
        settings=lambda wildcards: settings.averaging(
            EXPERIMENT, Cell.parse(wildcards.cell), wildcards.recipe
        ),
        code=code_digest("average_weights"),
    message:
        "Averaging weights for {wildcards.cell}"
    script:
        "../scripts/average_weights.py"
