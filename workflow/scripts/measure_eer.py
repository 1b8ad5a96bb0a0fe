"""Measure the error rates and costs of a cell."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.analysis.breakdown import BREAKDOWN_COLUMNS
from sdd.analysis.cell_error_rates import measure_error_rates
from sdd.runtime.csv_rows import write_rows
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    validation = [Path(path) for path in snakemake.input.validation]
    rates, breakdown = measure_error_rates(
        [Path(path) for path in snakemake.input.scores],
        [Path(path) for path in snakemake.input.tables],
        validation=(validation[0], validation[1]) if validation else None,
        **snakemake.params.settings,
    )
    write_rows(Path(snakemake.output.rates), rates)
    write_rows(Path(snakemake.output.breakdown), breakdown, BREAKDOWN_COLUMNS)
