"""Measure the equal error rates of a cell."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.analysis.cell_error_rates import measure_error_rates
from sdd.runtime.csv_rows import write_rows
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    rows = measure_error_rates(
        [Path(path) for path in snakemake.input.scores],
        [Path(path) for path in snakemake.input.tables],
        **snakemake.params.settings,
    )
    write_rows(Path(snakemake.output[0]), rows)
