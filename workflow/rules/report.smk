# One page of everything.
localrules:
    write_report,
    report,


rule write_report:
    input:
        TARGETS,
        comparisons=tree.COMPARISONS,
        figures=tree.FIGURES,
        paper=PAPER_TABLE,
        others=of_checkout("resources/other_figures.csv"),
    output:
        tree.REPORT,
    log:
        f"{tree.RECIPE_LOGS}/write_report.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        results=results_folder,
        contents=lambda wildcards: contents.report(EXPERIMENT, wildcards.recipe),
        code=code_digest("write_report"),
    message:
        "Writing the report of {wildcards.recipe}"
    script:
        "../scripts/write_report.py"


rule report:
    input:
        expand(tree.REPORT, recipe=config["recipe"]),
