"""Render Table 1: measured error rates, beside the paper's where rows and columns are the same."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sdd.analysis.cell_tables import read_cells
from sdd.analysis.table1 import assemble_table, read_table, write_csv
from sdd.presentation.tables.render_html import write_html
from sdd.presentation.tables.render_image import write_image
from sdd.presentation.tables.render_latex import write_latex
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    contents = snakemake.params.contents
    measured = pd.DataFrame(read_cells([Path(path) for path in snakemake.input.cells]))
    columns = {key: contents[key] for key in ("rows", "in_domain", "out_of_domain")}
    words = {key: contents[key] for key in ("title", "notes", "labels", "group_titles")}
    table, paper = assemble_table(measured, **columns), read_table(snakemake.input.paper)
    write_csv(table, snakemake.output.csv)
    write_latex(table, snakemake.output.tex, **words)
    write_html(table, snakemake.output.html, paper=paper, **words)
    for image in snakemake.output.images:
        write_image(table, image, paper=paper, **words)
