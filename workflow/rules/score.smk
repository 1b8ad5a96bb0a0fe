# A rule a group of corpora: a process reads the checkpoint once for all of them, and a corpus that
# is added later is scored alone. Cells of Figure 2 have rules that save embeddings in the same pass.
localrules:
    measure_eer,


for job in EXPERIMENT.scoring_jobs():
    needs = partial(needs_of_scoring, job.sets)

    rule:
        name:
            f"score_{job.name}" + ("_with_embeddings" if job.embeddings else "")
        input:
            model=model_of_cell,
            tables=expand("<results>/segments/{set}.parquet", set=job.sets),
        output:
            scores=expand(
                "<results>/{recipe}/{cell}/scores/{set}.parquet",
                set=job.sets,
                allow_missing=True,
            ),
            embeddings=expand(
                "<results>/{recipe}/{cell}/embeddings/{set}.parquet",
                set=job.sets if job.embeddings else [],
                allow_missing=True,
            ),
        log:
            f"<results>/{{recipe}}/{{cell}}/logs/score_{job.name}.log",
        benchmark:
            f"<results>/{{recipe}}/{{cell}}/run_times/score_{job.name}.tsv"
        wildcard_constraints:
            cell=job.cells,
        conda:
            "../../envs/sdd.yaml"
        threads: config["threads"]["score"]
        resources:
            gpu=1,
            mem_mb=memory(needs),
            runtime=runtime(needs),
        params:
            settings=lambda wildcards: EXPERIMENT.scoring(
                Cell.parse(wildcards.cell), wildcards.recipe
            ),
            code=code_digest("score"),
        message:
            "Scoring {wildcards.cell}"
        script:
            "../scripts/score.py"


rule measure_eer:
    input:
        scores=expand(
            "<results>/{recipe}/{cell}/scores/{set}.parquet",
            set=EXPERIMENT.test_sets,
            allow_missing=True,
        ),
        tables=expand("<results>/segments/{set}.parquet", set=EXPERIMENT.test_sets),
    output:
        "<results>/{recipe}/{cell}/eer.csv",
    log:
        "<results>/{recipe}/{cell}/logs/measure_eer.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        settings=lambda wildcards: EXPERIMENT.error_rates(wildcards.recipe),
        code=code_digest("measure_eer"),
    message:
        "Measuring the EER of {wildcards.cell}"
    script:
        "../scripts/measure_eer.py"
