# The state of an unfinished run lies undeclared beside the cell, in state/: a killed, preempted or
# requeued job goes on from it.
# keep_models: none lets Snakemake delete a cell's weights after its scores, and after the second
# stages that start from them.
rule finetune:
    input:
        start=start_of_cell,
        checkpoint=checkpoint_of_cell,
        training=f"<results>/segments/{config['training_set']}.parquet",
        validation=f"<results>/segments/{config['validation_set']}.parquet",
    output:
        model=kept_or_temporary("<results>/{recipe}/{cell}/model.safetensors"),
        history="<results>/{recipe}/{cell}/history.csv",
    log:
        "<results>/{recipe}/{cell}/logs/finetune.log",
    wildcard_constraints:
        cell=EXPERIMENT.finetuned_cells,
    conda:
        "../../envs/sdd.yaml"
    threads: config["threads"]["train"]
    resources:
        gpu=1,
        mem_mb=memory(needs_of_finetuning),
        runtime=runtime(needs_of_finetuning),
    params:
        settings=lambda wildcards: EXPERIMENT.finetuning(
            Cell.parse(wildcards.cell), wildcards.recipe
        ),
        code=code_digest("finetune"),
    message:
        "Fine-tuning {wildcards.cell}"
    script:
        "../scripts/finetune.py"
