# Figure 2, and what the paper does not show.
localrules:
    draw_figure2,
    draw_figures,


rule draw_figure2:
    input:
        expand(tree.DRIFT, cell=DRIFT_CELLS, allow_missing=True),
    output:
        columns=[
            report(
                f"{tree.FIGURE2}.png",
                caption="../report/figure2.rst",
                category="Figure 2",
            ),
            f"{tree.FIGURE2}.pdf",
        ],
        column=[f"{tree.FIGURE2_COLUMN}.{suffix}" for suffix in ("png", "pdf")],
        caption=tree.FIGURE2_CAPTION,
    log:
        f"{tree.RECIPE_LOGS}/draw_figure2.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        contents=contents.figure2(EXPERIMENT),
        code=code_digest("draw_figure2"),
    message:
        "Drawing Figure 2 of {wildcards.recipe}"
    script:
        "../scripts/draw_figure2.py"


# What the paper does not show. Each figure also for narrow screens, for the report.
rule draw_figures:
    input:
        intervals=tree.INTERVALS,
        eers=expand(tree.EER, cell=CELLS, allow_missing=True),
        calibrations=expand(tree.CALIBRATION, cell=CALIBRATED_CELLS, allow_missing=True),
        drifts=expand(tree.DRIFT, cell=DRIFT_CELLS, allow_missing=True),
    output:
        directory(tree.FIGURES),
    log:
        f"{tree.RECIPE_LOGS}/draw_figures.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        results=results_folder,
        contents=lambda wildcards: contents.figures(EXPERIMENT, wildcards.recipe),
        code=code_digest("draw_figures"),
    message:
        "Drawing the further figures of {wildcards.recipe}"
    script:
        "../scripts/draw_figures.py"
