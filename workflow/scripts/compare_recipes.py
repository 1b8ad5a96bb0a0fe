"""Put the tables of all recipes into one."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.analysis.table1 import read_table
from sdd.presentation.tables.recipe_tables import write_recipes
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    tables, output = map(read_table, snakemake.input.tables), snakemake.output
    write_recipes(
        dict(zip(snakemake.config["recipes"], tables, strict=True)),
        Path(snakemake.input.paper),
        snakemake.params.contents,
        csv=output.csv,
        tex=output.tex,
        html=output.html,
        images=output.images,
    )
