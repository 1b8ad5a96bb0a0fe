# What fine-tuning gains and loses along the way. A run keeps the weights of some steps, which are
# scored by the rules of score.smk: their paths end as those of cells.
localrules:
    draw_trade_off,
    trade_off,


rule train_along:
    input:
        start=start_of_cell,
        checkpoint=checkpoint_of_cell,
        training=heard(config["training_set"]),
        validation=heard(config["validation_set"]),
        prepared=prepared(config["training_set"], config["validation_set"]),
    output:
        kept=[
            kept_or_temporary(tree.fill(tree.STEP_MODEL, step=str(step)))
            for step in TRADE_OFF_STEPS
        ],
        model=temp(tree.TRADE_OFF_MODEL),
        history=tree.TRADE_OFF_HISTORY,
    log:
        tree.TRADE_OFF_LOG,
    wildcard_constraints:
        variant=one_of(map(re.escape, TRADE_OFF_RUNS)),
        cell=EXPERIMENT.finetuned_cells,
    conda:
        "../../envs/sdd.yaml"
    threads: config["threads"]["train"]
    resources:
        gpu=1,
        mem_mb=memory(needs_of_followed_training),
        runtime=runtime(needs_of_followed_training),
        attempt=number_of_attempt,
    params:
        settings=lambda wildcards: settings.followed_training(
            EXPERIMENT, run_of(wildcards), wildcards.recipe
        ),
        audio=audio_folder,
        state=file_of(tree.TRADE_OFF_STATE),
        code=code_digest("finetune"),
    message:
        "Fine-tuning {wildcards.cell} with {wildcards.variant}, keeping steps"
    script:
        "../scripts/finetune.py"


# Not a local rule: it reads every score of every step.
rule measure_trade_off:
    input:
        scores=[
            tree.fill(tree.SCORES, cell=path, set=name)
            for path in TRADE_OFF_SCORED
            for name in TRADE_OFF_SETS
        ],
        tables=expand(tree.SEGMENTS, set=TRADE_OFF_SETS),
    output:
        points=tree.TRADE_OFF,
        correlations=tree.TRADE_OFF_CORRELATIONS,
    log:
        f"{tree.RECIPE_LOGS}/measure_trade_off.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        results=results_folder,
        settings=lambda wildcards: settings.trade_off(EXPERIMENT, wildcards.recipe),
        code=code_digest("measure_trade_off"),
    message:
        "Measuring the trade-off of {wildcards.recipe}"
    script:
        "../scripts/measure_trade_off.py"


rule draw_trade_off:
    input:
        points=tree.TRADE_OFF,
        correlations=tree.TRADE_OFF_CORRELATIONS,
    output:
        directory(tree.TRADE_OFF_FIGURES),
    log:
        f"{tree.RECIPE_LOGS}/draw_trade_off.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        contents=contents.trade_off(EXPERIMENT),
        code=code_digest("draw_trade_off"),
    message:
        "Drawing the trade-off of {wildcards.recipe}"
    script:
        "../scripts/draw_trade_off.py"


rule trade_off:
    input:
        asked_for(tree.TRADE_OFF, "trade_off"),
        asked_for(tree.TRADE_OFF_FIGURES, "trade_off"),
