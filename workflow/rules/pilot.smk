# Ten minutes on the machine before days of it: `snakemake pilot`. What runs is what the jobs run;
# nothing of it is an input of the experiment's results.
localrules:
    pilot,


rule pilot_training:
    input:
        checkpoint=checkpoint_of_pilot,
        training=heard(config["training_set"]),
        validation=heard(config["validation_set"]),
        prepared=prepared(config["training_set"], config["validation_set"]),
    output:
        tree.PILOT_TRAINING,
    log:
        f"{tree.PILOT_FOLDER}/logs/training_{{objective}}.log",
    wildcard_constraints:
        recipe=config["recipe"],
        objective="[^/]+",
    conda:
        "../../envs/sdd.yaml"
    threads: config["threads"]["train"]
    resources:
        gpu=1,
        mem_mb=memory(needs_of_piloted_training),
        runtime=runtime(needs_of_piloted_training),
        attempt=number_of_attempt,
    params:
        settings=lambda wildcards: settings.piloted_training(
            EXPERIMENT, piloted_cell(wildcards), wildcards.recipe
        ),
        audio=audio_folder,
        state=file_of(tree.PILOT_STATE),
        code=code_digest("pilot_training"),
    message:
        "Piloting {wildcards.objective} of {wildcards.model}"
    script:
        "../scripts/pilot_training.py"


rule pilot_scoring:
    input:
        model=tree.fill(tree.CHECKPOINT, checkpoint="{model}/post"),
        tables=all_heard(EXPERIMENT.test_sets),
        prepared=prepared(*EXPERIMENT.test_sets),
    output:
        table=tree.PILOT_SCORING,
        scores=expand(tree.PILOT_SCORES, set=EXPERIMENT.test_sets, allow_missing=True),
    log:
        f"{tree.PILOT_FOLDER}/logs/scoring.log",
    wildcard_constraints:
        model=one_of(piloted_checkpoints(EXPERIMENT)),
    conda:
        "../../envs/sdd.yaml"
    threads: config["threads"]["score"]
    resources:
        gpu=1,
        mem_mb=memory(needs_of_piloted_scoring),
        runtime=runtime(needs_of_piloted_scoring),
    params:
        settings=lambda wildcards: settings.piloted_scoring(
            EXPERIMENT, wildcards.model, wildcards.recipe
        ),
        audio=audio_folder,
        code=code_digest("pilot_scoring"),
    message:
        "Piloting scores of {wildcards.model}"
    script:
        "../scripts/pilot_scoring.py"


# Speeds, memory, and error rates of samples beside the paper's, as a table; always shown.
rule pilot:
    input:
        [
            tree.fill(
                tree.PILOT_TRAINING,
                recipe=config["recipe"],
                model=model,
                objective=objective,
            )
            for model, objective in PILOTED
        ],
        expand(
            tree.PILOT_SCORING,
            recipe=config["recipe"],
            model=piloted_checkpoints(EXPERIMENT),
        ),
        tables=expand(tree.SEGMENTS, set=EXPERIMENT.test_sets),
        paper=PAPER_TABLE,
    log:
        f"{tree.LOGS}/pilot.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        settings=settings.pilot_table(EXPERIMENT),
        results=results_folder,
        code=code_digest("collect_pilot"),
    message:
        "Putting the pilot together"
    script:
        "../scripts/collect_pilot.py"
