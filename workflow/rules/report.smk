localrules:
    compare_recipes,
    draw_figures,
    judge_claims,
    render_table1,
    report,
    subtract_paper,
    table1_partial,
    write_report,
    draw_figure2,


# Not a local rule: at the paper's size the bootstrap takes minutes (docs/benchmarks.md).
rule measure_uncertainty:
    input:
        cells=expand(
            "<results>/{{recipe}}/{cell.path}/eer.csv", cell=EXPERIMENT.cells()
        ),
        tables=expand("<results>/segments/{set}.parquet", set=EXPERIMENT.test_sets),
    output:
        intervals="<results>/{recipe}/intervals.csv",
        comparisons="<results>/{recipe}/comparisons.csv",
    log:
        "<results>/{recipe}/logs/measure_uncertainty.log",
    conda:
        "../../envs/sdd.yaml"
    resources:
        mem_mb=memory(needs_of_uncertainty),
        runtime=runtime(needs_of_uncertainty),
    params:
        settings=lambda wildcards: uncertainty_settings(EXPERIMENT, wildcards.recipe),
        code=code_digest("measure_uncertainty"),
    message:
        "Measuring how sure the error rates of {wildcards.recipe} are"
    script:
        "../scripts/measure_uncertainty.py"


rule judge_claims:
    input:
        comparisons="<results>/{recipe}/comparisons.csv",
        drifts=expand(
            "<results>/{{recipe}}/{cell.path}/drift.csv", cell=EXPERIMENT.drift_cells()
        ),
        paper=PAPER_TABLE,
    output:
        csv="<results>/{recipe}/claims.csv",
        html=report(
            "<results>/{recipe}/claims.html",
            caption="../report/claims.rst",
            category="Claims",
        ),
    log:
        "<results>/{recipe}/logs/judge_claims.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        layout=claims_layout(EXPERIMENT),
        code=code_digest("judge_claims"),
    message:
        "Judging the paper's claims by the results of {wildcards.recipe}"
    script:
        "../scripts/judge_claims.py"


rule render_table1:
    input:
        cells=expand(
            "<results>/{{recipe}}/{cell.path}/eer.csv", cell=EXPERIMENT.cells()
        ),
        paper=PAPER_TABLE,
    output:
        csv="<results>/{recipe}/table1.csv",
        tex="<results>/{recipe}/table1.tex",
        html=report(
            "<results>/{recipe}/table1.html",
            caption="../report/table1.rst",
            category="Table 1",
        ),
        images=["<results>/{recipe}/table1.png", "<results>/{recipe}/table1.pdf"],
    log:
        "<results>/{recipe}/logs/render_table1.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        layout=EXPERIMENT.table_layout(),
        code=code_digest("render_table1"),
    message:
        "Rendering Table 1 of {wildcards.recipe}"
    script:
        "../scripts/render_table1.py"


rule subtract_paper:
    input:
        table="<results>/{recipe}/table1.csv",
        intervals="<results>/{recipe}/intervals.csv",
        paper=PAPER_TABLE,
    output:
        csv="<results>/{recipe}/table1_minus_paper.csv",
        html=report(
            "<results>/{recipe}/table1_minus_paper.html",
            caption="../report/table1_minus_paper.rst",
            category="Table 1",
        ),
        images=[
            "<results>/{recipe}/table1_minus_paper.png",
            "<results>/{recipe}/table1_minus_paper.pdf",
        ],
    log:
        "<results>/{recipe}/logs/subtract_paper.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        layout=EXPERIMENT.table_layout(),
        code=code_digest("subtract_paper"),
    message:
        "Subtracting the paper's Table 1 from that of {wildcards.recipe}"
    script:
        "../scripts/subtract_paper.py"


# All recipes of the config in one table: asks for the cells of each of them.
rule compare_recipes:
    input:
        tables=expand("<results>/{recipe}/table1.csv", recipe=config["recipes"]),
        paper=PAPER_TABLE,
    output:
        csv="<results>/recipes.csv",
        tex="<results>/recipes.tex",
        html="<results>/recipes.html",
        images=["<results>/recipes.png", "<results>/recipes.pdf"],
    log:
        "<results>/logs/compare_recipes.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        layout=EXPERIMENT.table_layout(),
        code=code_digest("compare_recipes"),
    message:
        "Putting the tables of all recipes side by side"
    script:
        "../scripts/compare_recipes.py"


# What there is of a run that is not finished, or goes on: no cell is an input, so none is made.
rule table1_partial:
    log:
        "<results>/logs/table1_partial.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        layout=partial_layout(EXPERIMENT),
        folder=f"results/{EXPERIMENT.name}",
        paper=PAPER_TABLE,
        code=code_digest("render_partial_table"),
    message:
        "Rendering what there is of Table 1"
    script:
        "../scripts/render_partial_table.py"


rule draw_figure2:
    input:
        expand(
            "<results>/{{recipe}}/{cell.path}/drift.csv", cell=EXPERIMENT.drift_cells()
        ),
    output:
        report(
            "<results>/{recipe}/figure2.png",
            caption="../report/figure2.rst",
            category="Figure 2",
        ),
        "<results>/{recipe}/figure2.pdf",
    log:
        "<results>/{recipe}/logs/draw_figure2.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        layout=EXPERIMENT.figure_layout(),
        code=code_digest("draw_figure2"),
    message:
        "Drawing Figure 2 of {wildcards.recipe}"
    script:
        "../scripts/draw_figure2.py"


# What the paper does not show. Each figure also for narrow screens, for the report.
rule draw_figures:
    input:
        intervals="<results>/{recipe}/intervals.csv",
        eers=expand("<results>/{{recipe}}/{cell.path}/eer.csv", cell=EXPERIMENT.cells()),
        drifts=expand(
            "<results>/{{recipe}}/{cell.path}/drift.csv", cell=EXPERIMENT.drift_cells()
        ),
    output:
        directory("<results>/{recipe}/figures"),
    log:
        "<results>/{recipe}/logs/draw_figures.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        layout=lambda wildcards: figures_layout(EXPERIMENT, wildcards.recipe),
        code=code_digest("draw_figures"),
    message:
        "Drawing the further figures of {wildcards.recipe}"
    script:
        "../scripts/draw_figures.py"


rule write_report:
    input:
        expand("<results>/{recipe}/{file}", file=RESULTS, allow_missing=True),
        comparisons="<results>/{recipe}/comparisons.csv",
        figures="<results>/{recipe}/figures",
        paper=PAPER_TABLE,
    output:
        "<results>/{recipe}/report.html",
    log:
        "<results>/{recipe}/logs/write_report.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        layout=lambda wildcards: report_layout(
            EXPERIMENT, wildcards.recipe, f"results/{EXPERIMENT.name}"
        ),
        code=code_digest("write_report"),
    message:
        "Writing the report of {wildcards.recipe}"
    script:
        "../scripts/write_report.py"


rule report:
    input:
        expand("<results>/{recipe}/report.html", recipe=config["recipe"]),
