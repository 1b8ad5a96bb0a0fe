"""Render Table 1: measured error rates, beside the paper's where rows and columns are the same."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sdd.analysis.cell_tables import read_cells
from sdd.analysis.table1 import assemble_table, read_table, write_csv
from sdd.presentation.tables.details import arrange_measured
from sdd.presentation.tables.render_html import write_html
from sdd.presentation.tables.render_image import write_image
from sdd.presentation.tables.render_latex import write_latex
from sdd.presentation.tables.render_text import write_text
from sdd.runtime.csv_rows import read_rows
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    contents = snakemake.params.contents
    cells = read_cells([Path(path) for path in snakemake.input.cells])
    columns = {key: contents[key] for key in ("rows", "in_domain", "out_of_domain")}
    table = assemble_table(pd.DataFrame(cells), **columns)
    write_csv(table, snakemake.output.csv)
    intervals, paper = read_rows(Path(snakemake.input.intervals)), read_table(snakemake.input.paper)
    arranged = arrange_measured(cells, intervals, paper, contents)
    words = {key: contents[key] for key in ("title", "notes")}
    write_text(table, intervals, snakemake.output.txt, labels=contents["labels"], **words)
    write_latex(arranged, snakemake.output.tex, **words)
    write_html(arranged, snakemake.output.html, **words)
    for image in snakemake.output.images:
        write_image(arranged, image, **words)
