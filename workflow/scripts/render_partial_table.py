"""Render Table 1 of the cells that have been measured, for each recipe and side by side."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.presentation.tables.recipe_tables import write_partial_tables
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    write_partial_tables(
        Path(snakemake.params.results), Path(snakemake.params.paper), snakemake.params.contents
    )
