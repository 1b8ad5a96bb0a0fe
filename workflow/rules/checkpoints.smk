# The checkpoints that cells start from: fetched, or (in the demo) trained here.
TRAINED = EXPERIMENT.trained_checkpoints()


localrules:
    collect_certificates,


rule fetch_checkpoint:
    output:
        "<results>/checkpoints/{checkpoint}.safetensors",
    log:
        "<results>/logs/fetch_checkpoint/{checkpoint}.log",
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
        f"<results>/segments/{EXPERIMENT.checkpoint_training_set('training_set')}.parquet",
    output:
        model="<results>/checkpoints/{model}/pre.safetensors",
        history="<results>/checkpoints/{model}/pre.csv",
    log:
        "<results>/logs/pretrain_encoder/{model}.log",
    wildcard_constraints:
        model=one_of([model for model, init in TRAINED if init == "pre"]),
    conda:
        "../../envs/sdd.yaml"
    threads: config["threads"]["train"]
    resources:
        gpu=1,
    params:
        settings=lambda wildcards: EXPERIMENT.pretraining(wildcards.model),
        code=code_digest("pretrain_encoder"),
    message:
        "Pre-training {wildcards.model}"
    script:
        "../scripts/pretrain_encoder.py"


# Post-training is supervised fine-tuning on many families of fakes, with a recipe of its own.
rule posttrain_detector:
    input:
        start="<results>/checkpoints/{model}/pre.safetensors",
        checkpoint="<results>/checkpoints/{model}/pre.safetensors",
        training=f"<results>/segments/{EXPERIMENT.checkpoint_training_set('training_set')}.parquet",
        validation=f"<results>/segments/{EXPERIMENT.checkpoint_training_set('validation_set')}.parquet",
    output:
        model="<results>/checkpoints/{model}/post.safetensors",
        history="<results>/checkpoints/{model}/post.csv",
    log:
        "<results>/logs/posttrain_detector/{model}.log",
    wildcard_constraints:
        model=one_of([model for model, init in TRAINED if init == "post"]),
    conda:
        "../../envs/sdd.yaml"
    threads: config["threads"]["train"]
    resources:
        gpu=1,
        mem_mb=memory(needs_of_posttraining),
        runtime=runtime(needs_of_posttraining),
    params:
        settings=lambda wildcards: EXPERIMENT.posttraining(wildcards.model),
        code=code_digest("finetune"),
    message:
        "Post-training {wildcards.model}"
    script:
        "../scripts/finetune.py"


# fairseq has an environment of its own, which uv makes from the script's first lines.
rule certify_checkpoint:
    input:
        "<results>/checkpoints/{checkpoint}.safetensors",
    output:
        "<results>/certificates/{checkpoint}.csv",
    log:
        "<results>/logs/certify_checkpoint/{checkpoint}.log",
    wildcard_constraints:
        checkpoint=one_of(EXPERIMENT.checkpoints_in_use()),
    conda:
        "../../envs/fairseq.yaml"
    resources:
        mem_mb=24_000,
    params:
        script=Path(workflow.basedir) / "workflow/scripts/certify_checkpoint.py",
        options=lambda wildcards, input: EXPERIMENT.certificate_options(
            wildcards.checkpoint, input[0]
        ),
        code=code_digest("certify_checkpoint"),
    message:
        "Certifying checkpoint {wildcards.checkpoint} against fairseq"
    shell:
        "uv run --script {params.script:q} {params.options:q} --output {output:q} > {log:q} 2>&1"
        " || {{ cat {log:q} >&2; exit 1; }}"


rule collect_certificates:
    input:
        expand(
            "<results>/certificates/{checkpoint}.csv",
            checkpoint=EXPERIMENT.checkpoints_in_use(),
        ),
    output:
        "<results>/certificates.csv",
    log:
        "<results>/logs/collect_certificates.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        code=code_digest("collect_certificates"),
    message:
        "Collecting certificates"
    script:
        "../scripts/collect_certificates.py"
