# Table 1: of a recipe, beside the paper's, of all recipes, and of an unfinished run.
localrules:
    render_table1,
    subtract_paper,
    compare_recipes,
    table1_partial,


rule render_table1:
    input:
        cells=expand(tree.EER, cell=CELLS, allow_missing=True),
        intervals=tree.INTERVALS,
        paper=PAPER_TABLE,
    output:
        csv=f"{tree.TABLE1}.csv",
        txt=f"{tree.TABLE1}.txt",
        tex=f"{tree.TABLE1}.tex",
        html=report(
            f"{tree.TABLE1}.html",
            caption="../report/table1.rst",
            category="Table 1",
        ),
        images=[f"{tree.TABLE1}.png", f"{tree.TABLE1}.pdf"],
    log:
        f"{tree.RECIPE_LOGS}/render_table1.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        contents=contents.table1(EXPERIMENT),
        code=code_digest("render_table1"),
    message:
        "Rendering Table 1 of {wildcards.recipe}"
    script:
        "../scripts/render_table1.py"


rule subtract_paper:
    input:
        table=f"{tree.TABLE1}.csv",
        intervals=tree.INTERVALS,
        paper=PAPER_TABLE,
    output:
        csv=f"{tree.DIFFERENCES}.csv",
        html=report(
            f"{tree.DIFFERENCES}.html",
            caption="../report/table1_minus_paper.rst",
            category="Table 1",
        ),
        images=[
            f"{tree.DIFFERENCES}.png",
            f"{tree.DIFFERENCES}.pdf",
        ],
    log:
        f"{tree.RECIPE_LOGS}/subtract_paper.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        contents=contents.table1(EXPERIMENT),
        code=code_digest("subtract_paper"),
    message:
        "Subtracting the paper's Table 1 from that of {wildcards.recipe}"
    script:
        "../scripts/subtract_paper.py"


# All recipes of the config in one table: asks for the cells of each of them.
rule compare_recipes:
    input:
        tables=expand(f"{tree.TABLE1}.csv", recipe=config["recipes"]),
        paper=PAPER_TABLE,
    output:
        csv=f"{tree.RECIPES}.csv",
        tex=f"{tree.RECIPES}.tex",
        html=f"{tree.RECIPES}.html",
        images=[f"{tree.RECIPES}.png", f"{tree.RECIPES}.pdf"],
    log:
        f"{tree.LOGS}/compare_recipes.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        contents=contents.table1(EXPERIMENT),
        code=code_digest("compare_recipes"),
    message:
        "Putting the tables of all recipes side by side"
    script:
        "../scripts/compare_recipes.py"


# What there is of a run that is not finished, or goes on: no cell is an input, so none is made.
rule table1_partial:
    log:
        f"{tree.LOGS}/table1_partial.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        contents=contents.partial_table1(EXPERIMENT),
        results=results_folder,
        paper=PAPER_TABLE,
        code=code_digest("render_partial_table"),
    message:
        "Rendering what there is of Table 1"
    script:
        "../scripts/render_partial_table.py"
