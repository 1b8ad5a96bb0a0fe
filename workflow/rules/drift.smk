# Not a local rule: at the paper's size the bootstrap takes minutes (docs/benchmarks.md).
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
    threads: config["threads"]["score"]
    resources:
        runtime="4h",
    params:
        settings=EXPERIMENT.drift_settings(),
        code=code_digest("measure_drift"),
    message:
        "Measuring the drift of {wildcards.cell}"
    script:
        "../scripts/measure_drift.py"
