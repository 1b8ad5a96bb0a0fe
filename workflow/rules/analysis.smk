# What scores say: error rates of cells, drift, intervals, and the paper's claims.
localrules:
    measure_eer,
    judge_claims,


rule measure_eer:
    input:
        scores=expand(tree.SCORES, set=EXPERIMENT.test_sets, allow_missing=True),
        tables=expand(tree.SEGMENTS, set=EXPERIMENT.test_sets),
        # Scores and segments of the set whose threshold is tried on the test sets, if it is scored.
        validation=expand(
            [tree.SCORES, tree.SEGMENTS],
            set=EXPERIMENT.scored_validation_set or [],
            allow_missing=True,
        ),
    output:
        rates=tree.EER,
        breakdown=tree.BREAKDOWN,
        # Fitted on the validation set, if it is scored.
        calibration=[tree.CALIBRATION] if EXPERIMENT.scored_validation_set else [],
    log:
        f"{tree.CELL_LOGS}/measure_eer.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        settings=lambda wildcards: settings.error_rates(EXPERIMENT, wildcards.recipe),
        code=code_digest("measure_eer"),
    message:
        "Measuring the error rates of {wildcards.cell}"
    script:
        "../scripts/measure_eer.py"


# Not a local rule: at the paper's size the bootstrap takes minutes (docs/benchmarks.md).
rule measure_drift:
    input:
        reference_set=tree.fill(tree.EMBEDDINGS, set=str(EXPERIMENT.reference_set)),
        tests=expand(tree.EMBEDDINGS, set=EXPERIMENT.test_sets, allow_missing=True),
        tables=expand(
            tree.SEGMENTS, set=[*EXPERIMENT.test_sets, str(EXPERIMENT.reference_set)]
        ),
    output:
        csv=tree.DRIFT,
        replicates=tree.DRIFT_REPLICATES,
    log:
        f"{tree.CELL_LOGS}/measure_drift.log",
    conda:
        "../../envs/sdd.yaml"
    threads: config["threads"]["score"]
    resources:
        runtime="4h",
    params:
        settings=settings.drift(EXPERIMENT),
        code=code_digest("measure_drift"),
    message:
        "Measuring the drift of {wildcards.cell}"
    script:
        "../scripts/measure_drift.py"


# Not a local rule: at the paper's size the bootstrap takes minutes (docs/benchmarks.md).
rule measure_uncertainty:
    input:
        cells=expand(tree.EER, cell=CELLS, allow_missing=True),
        tables=expand(tree.SEGMENTS, set=EXPERIMENT.test_sets),
    output:
        intervals=tree.INTERVALS,
        comparisons=tree.COMPARISONS,
    log:
        f"{tree.RECIPE_LOGS}/measure_uncertainty.log",
    conda:
        "../../envs/sdd.yaml"
    resources:
        mem_mb=memory(needs_of_uncertainty),
        runtime=runtime(needs_of_uncertainty),
    params:
        results=results_folder,
        settings=lambda wildcards: settings.uncertainty(EXPERIMENT, wildcards.recipe),
        code=code_digest("measure_uncertainty"),
    message:
        "Measuring confidence intervals of the error rates of {wildcards.recipe}"
    script:
        "../scripts/measure_uncertainty.py"


rule judge_claims:
    input:
        comparisons=tree.COMPARISONS,
        drifts=expand(tree.DRIFT, cell=DRIFT_CELLS, allow_missing=True),
        replicates=expand(tree.DRIFT_REPLICATES, cell=DRIFT_CELLS, allow_missing=True),
        paper=PAPER_TABLE,
    output:
        csv=f"{tree.CLAIMS}.csv",
        html=report(
            f"{tree.CLAIMS}.html",
            caption="../report/claims.rst",
            category="Claims",
        ),
    log:
        f"{tree.RECIPE_LOGS}/judge_claims.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        contents=contents.claims(EXPERIMENT),
        code=code_digest("judge_claims"),
    message:
        "Judging the paper's claims by the results of {wildcards.recipe}"
    script:
        "../scripts/judge_claims.py"
