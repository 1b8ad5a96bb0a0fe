"""Render Table 1 of the cells that have been measured, for each recipe and side by side."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sdd.analysis.partial_table1 import measured_tables
from sdd.presentation.tables import (
    arrange,
    arrange_recipes,
    read_table,
    write_csv,
    write_html,
    write_image,
)
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    layout, folder = snakemake.params.layout, Path(snakemake.params.folder)
    paper = read_table(snakemake.params.paper)
    words = {key: layout[key] for key in ("labels", "group_titles")}
    tables, counts = measured_tables(folder, layout)
    for recipe, table in tables.items():
        text = {"title": f"{layout['title']}, {counts[recipe]}", "notes": layout["notes"]}
        target, arranged = folder / recipe / "partial/table1", arrange(table, paper=paper, **words)
        write_csv(table, f"{target}.csv")
        write_html(arranged, f"{target}.html", **text)
        write_image(arranged, f"{target}.png", **text)
        sys.stderr.write(f"{target}.html: {counts[recipe]}\n")
    if len(tables) > 1:
        text = {"title": f"{layout['title']}: recipes side by side", "notes": layout["notes"]}
        write_html(arrange_recipes(tables, paper, **words), folder / "partial/recipes.html", **text)
        sys.stderr.write(f"{folder}/partial/recipes.html\n")
