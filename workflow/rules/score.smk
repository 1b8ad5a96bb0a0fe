# A rule a group of corpora: a process reads the checkpoint once for all of them, and a corpus that
# is added later is scored alone. Cells of Figure 2 have rules that save embeddings in the same pass.
for job in EXPERIMENT.scoring_jobs():
    needs = partial(needs_of_scoring, job.sets)

    rule:
        name:
            f"score_{job.name}" + ("_with_embeddings" if job.embeddings else "")
        input:
            model=model_of_cell,
            tables=all_heard(job.sets),
            prepared=prepared(*job.sets),
        output:
            scores=expand(tree.SCORES, set=job.sets, allow_missing=True),
            embeddings=expand(tree.EMBEDDINGS, set=job.embedded, allow_missing=True),
        log:
            f"{tree.CELL_LOGS}/score_{job.name}.log",
        benchmark:
            tree.fill(tree.SCORING_TIME, job=job.name)
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
            settings=lambda wildcards: settings.scoring(
                EXPERIMENT, Cell.parse(wildcards.cell), wildcards.recipe
            ),
            audio=audio_folder,
            state=lambda wildcards: str(
                tree.path(tree.SCORING_STATE, RESULTS, **wildcards)
            ),
            code=code_digest("score"),
        message:
            "Scoring {wildcards.cell}"
        script:
            "../scripts/score.py"
