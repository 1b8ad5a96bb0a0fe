"""Subtract the paper's Table 1 from the measured one, with intervals."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.analysis.table1 import read_table
from sdd.analysis.table1_differences import read_intervals, subtract_paper
from sdd.presentation.tables.difference_arrangement import arrange_differences
from sdd.presentation.tables.render_html import write_html
from sdd.presentation.tables.render_image import write_image
from sdd.runtime.csv_rows import write_rows
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    contents, table = snakemake.params.contents, read_table(snakemake.input.table)
    intervals = read_intervals(snakemake.input.intervals)
    rows = subtract_paper(table, read_table(snakemake.input.paper), intervals)
    words = {key: contents[key] for key in ("labels", "group_titles")}
    text = {"title": f"{contents['title']}: measured minus paper", "notes": contents["notes"]}
    arranged = arrange_differences(table, rows, **words)
    write_rows(Path(snakemake.output.csv), rows)
    for path in snakemake.output.images:
        write_image(arranged, path, **text)
    write_html(arranged, snakemake.output.html, **text)
