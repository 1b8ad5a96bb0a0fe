# Settings chosen on the validation set: nothing here reads a test set.
localrules:
    choose_settings,
    collect_choices,
    tune,


# A candidate's weights are judged by their validations in history.csv, and go at once.
rule train_candidate:
    input:
        start=start_of_cell,
        checkpoint=checkpoint_of_cell,
        training=heard(config["training_set"]),
        validation=heard(config["validation_set"]),
        prepared=prepared(config["training_set"], config["validation_set"]),
    output:
        model=temp(tree.CANDIDATE_MODEL),
        history=tree.CANDIDATE_HISTORY,
    log:
        tree.CANDIDATE_LOG,
    wildcard_constraints:
        candidate="[^/]+",
        cell=EXPERIMENT.finetuned_cells,
    conda:
        "../../envs/sdd.yaml"
    threads: config["threads"]["train"]
    resources:
        gpu=1,
        mem_mb=memory(needs_of_candidate),
        runtime=runtime(needs_of_candidate),
        attempt=number_of_attempt,
    params:
        settings=lambda wildcards: settings.with_changes(
            EXPERIMENT, candidate_of(wildcards), wildcards.recipe
        ),
        audio=audio_folder,
        state=file_of(tree.CANDIDATE_STATE),
        code=code_digest("finetune"),
    message:
        "Fine-tuning {wildcards.cell} with {wildcards.candidate}"
    script:
        "../scripts/finetune.py"


rule choose_settings:
    input:
        histories_of_candidates,
    output:
        tree.CHOICE,
    log:
        f"{tree.RECIPE_LOGS}/choose_settings_{{model}}_{{init}}_{{algorithm}}.log",
    wildcard_constraints:
        init="[^/]+",
        algorithm="[^/]+",
    conda:
        "../../envs/sdd.yaml"
    params:
        settings=lambda wildcards: settings.choice(
            EXPERIMENT, row_of(wildcards), wildcards.recipe
        ),
        code=code_digest("choose_settings"),
    message:
        "Choosing settings of {wildcards.model} {wildcards.init} {wildcards.algorithm}"
    script:
        "../scripts/choose_settings.py"


rule collect_choices:
    input:
        [
            tree.fill(tree.CHOICE, model=model, init=init, algorithm=algorithm)
            for model, init, algorithm in TUNED_ROWS
        ],
    output:
        tree.TUNED,
    log:
        f"{tree.RECIPE_LOGS}/collect_choices.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        rows=["/".join(row) for row in TUNED_ROWS],
        code=code_digest("collect_choices"),
    message:
        "Collecting the settings chosen for {wildcards.recipe}"
    script:
        "../scripts/collect_choices.py"


rule tune:
    input:
        asked_for(tree.TUNED, "tune"),
