"""Render Table 1: measured error rates, beside the paper's where rows and columns are the same."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.presentation.tables import (
    assemble_table,
    read_table,
    write_csv,
    write_html,
    write_image,
    write_latex,
)
from sdd.runtime.job_log import logged
from sdd.scoring.score_tables import read_cells

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    layout = snakemake.params.layout
    table = assemble_table(
        [tuple(cell.values())[:6] for cell in read_cells([Path(p) for p in snakemake.input.cells])],
        layout["rows"],
        layout["in_domain"],
        layout["out_of_domain"],
    )
    words = {key: layout[key] for key in ("title", "notes", "labels", "group_titles")}
    paper = read_table(snakemake.input.paper)
    write_csv(table, snakemake.output.csv)
    write_latex(table, snakemake.output.tex, **words)
    write_html(table, snakemake.output.html, paper=paper, **words)
    for image in snakemake.output.images:
        write_image(table, image, paper=paper, **words)
