# The checkpoints that cells start from: fetched, or (in the demo) trained here.
TRAINED = EXPERIMENT.trained_checkpoints()
CHECKPOINT_TRAINING_SET = segments_of(
    EXPERIMENT.checkpoint_training_set("training_set")
)
PRE, POST = "{model}/pre", "{model}/post"


localrules:
    collect_certificates,


rule fetch_checkpoint:
    output:
        tree.CHECKPOINT,
    log:
        f"{tree.LOGS}/fetch_checkpoint/{{checkpoint}}.log",
    wildcard_constraints:
        checkpoint=one_of(EXPERIMENT.fetched_checkpoints()),
    conda:
        "../../envs/sdd.yaml"
    resources:
        mem_mb=memory(needs_of_fetching),
        runtime=runtime(needs_of_fetching),
    params:
        checkpoint=lambda wildcards: EXPERIMENT.checkpoint(
            *wildcards.checkpoint.split("/")
        ),
        architecture=lambda wildcards: EXPERIMENT.architecture(
            wildcards.checkpoint.split("/")[0]
        ),
        folder=config["download_folder"],
        code=code_digest("fetch_checkpoint"),
    message:
        "Fetching checkpoint {wildcards.checkpoint}"
    script:
        "../scripts/fetch_checkpoint.py"


rule pretrain_encoder:
    input:
        segments_of(EXPERIMENT.pretraining_set()),
        prepared=prepared(EXPERIMENT.pretraining_set()),
    output:
        model=tree.fill(tree.CHECKPOINT, checkpoint=PRE),
        history=tree.fill(tree.CHECKPOINT_HISTORY, checkpoint=PRE),
    log:
        f"{tree.LOGS}/pretrain_encoder/{{model}}.log",
    wildcard_constraints:
        model=one_of([model for model, init in TRAINED if init == "pre"]),
    conda:
        "../../envs/sdd.yaml"
    threads: config["threads"]["train"]
    resources:
        gpu=1,
    params:
        settings=lambda wildcards: settings.pretraining(EXPERIMENT, wildcards.model),
        audio=audio_folder,
        state=lambda wildcards: str(
            tree.path(
                tree.CHECKPOINT_STATE, RESULTS, model=wildcards.model, init="pre"
            )
        ),
        code=code_digest("pretrain_encoder"),
    message:
        "Pre-training {wildcards.model}"
    script:
        "../scripts/pretrain_encoder.py"


# Post-training is supervised fine-tuning on many families of fakes, with a recipe of its own.
rule posttrain_detector:
    input:
        start=tree.fill(tree.CHECKPOINT, checkpoint=PRE),
        checkpoint=tree.fill(tree.CHECKPOINT, checkpoint=PRE),
        training=CHECKPOINT_TRAINING_SET,
        validation=segments_of(EXPERIMENT.checkpoint_training_set("validation_set")),
        prepared=prepared(
            *map(
                EXPERIMENT.checkpoint_training_set, ("training_set", "validation_set")
            )
        ),
    output:
        model=tree.fill(tree.CHECKPOINT, checkpoint=POST),
        history=tree.fill(tree.CHECKPOINT_HISTORY, checkpoint=POST),
    log:
        f"{tree.LOGS}/posttrain_detector/{{model}}.log",
    wildcard_constraints:
        model=one_of([model for model, init in TRAINED if init == "post"]),
    conda:
        "../../envs/sdd.yaml"
    threads: config["threads"]["train"]
    resources:
        gpu=1,
        mem_mb=memory(needs_of_posttraining),
        runtime=runtime(needs_of_posttraining),
        attempt=number_of_attempt,
    params:
        settings=lambda wildcards: settings.posttraining(EXPERIMENT, wildcards.model),
        audio=audio_folder,
        state=lambda wildcards: str(
            tree.path(
                tree.CHECKPOINT_STATE, RESULTS, model=wildcards.model, init="post"
            )
        ),
        code=code_digest("finetune"),
    message:
        "Post-training {wildcards.model}"
    script:
        "../scripts/finetune.py"


# fairseq has an environment of its own, which uv makes from the script's first lines.
rule certify_checkpoint:
    input:
        tree.CHECKPOINT,
    output:
        tree.CERTIFICATE,
    log:
        f"{tree.LOGS}/certify_checkpoint/{{checkpoint}}.log",
    wildcard_constraints:
        checkpoint=one_of(EXPERIMENT.checkpoints_in_use()),
    conda:
        "../../envs/fairseq.yaml"
    resources:
        mem_mb=24_000,
    params:
        script=of_checkout("workflow/scripts/certify_checkpoint.py"),
        options=lambda wildcards, input: settings.certificate_options(
            EXPERIMENT, wildcards.checkpoint, input[0]
        ),
        code=code_digest("certify_checkpoint"),
    message:
        "Certifying checkpoint {wildcards.checkpoint} against fairseq"
    shell:
        "uv run --script {params.script:q} {params.options:q} --output {output:q} > {log:q} 2>&1"
        " || {{ cat {log:q} >&2; exit 1; }}"


rule collect_certificates:
    input:
        expand(tree.CERTIFICATE, checkpoint=EXPERIMENT.checkpoints_in_use()),
    output:
        tree.CERTIFICATES,
    log:
        f"{tree.LOGS}/collect_certificates.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        code=code_digest("collect_certificates"),
    message:
        "Collecting certificates"
    script:
        "../scripts/collect_certificates.py"
