localrules:
    measure_drift,


rule measure_drift:
    input:
        reference=f"<results>/{{recipe}}/{{cell}}/embeddings/{EXPERIMENT.reference_set}.parquet",
        tests=expand(
            "<results>/{recipe}/{cell}/embeddings/{set}.parquet",
            set=EXPERIMENT.test_sets,
            allow_missing=True,
        ),
    output:
        "<results>/{recipe}/{cell}/drift.csv",
    log:
        "<results>/{recipe}/{cell}/logs/measure_drift.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        method=config["drift"]["method"],
        seed=config["seed"],
        code=code_digest("drift"),
    message:
        "Measuring the drift of {wildcards.cell}"
    script:
        "../scripts/measure_drift.py"
