"""Subtract the paper's Table 1 from the measured one, with intervals."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.analysis.uncertainty import read_intervals
from sdd.presentation.tables import (
    arrange_differences,
    read_table,
    subtract_paper,
    write_html,
    write_image,
)
from sdd.runtime.csv_rows import write_rows
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    layout, table = snakemake.params.layout, read_table(snakemake.input.table)
    intervals = read_intervals(snakemake.input.intervals)
    rows = subtract_paper(table, read_table(snakemake.input.paper), intervals)
    words = {key: layout[key] for key in ("labels", "group_titles")}
    arranged = arrange_differences(table, rows, **words)
    title = f"{layout['title']}: measured minus paper"
    write_rows(Path(snakemake.output.csv), rows)
    for path in snakemake.output.images:
        write_image(arranged, path, title=title, notes=layout["notes"])
    write_html(arranged, snakemake.output.html, title=title, notes=layout["notes"])
