localrules:
    render_table1,
    draw_figure2,


rule render_table1:
    input:
        cells=expand(
            "<results>/{{recipe}}/{cell.path}/eer.csv", cell=EXPERIMENT.cells()
        ),
        paper=Path(workflow.basedir) / "resources/table1.csv",
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
        code=code_digest("tables"),
    message:
        "Rendering Table 1 of {wildcards.recipe}"
    script:
        "../scripts/render_table1.py"


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
        code=code_digest("figures"),
    message:
        "Drawing Figure 2 of {wildcards.recipe}"
    script:
        "../scripts/draw_figure2.py"
