"""Measure the intervals of error rates, and compare rows of Table 1 two by two."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.analysis.claims.eer_statements import pairs_of_claims
from sdd.analysis.uncertainty import (
    COMPARISON_COLUMNS,
    comparison_rows,
    interval_rows,
    measure_table1,
)
from sdd.runtime.csv_rows import write_rows
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    settings = snakemake.params.settings
    measured = measure_table1(
        Path(snakemake.params.results),
        snakemake.wildcards.recipe,
        [Path(table) for table in snakemake.input.tables],
        settings,
    )
    pairs = [*pairs_of_claims(measured), *settings["compared"]]
    compared = comparison_rows(measured, dict.fromkeys(pairs))
    write_rows(Path(snakemake.output.intervals), interval_rows(measured))
    write_rows(Path(snakemake.output.comparisons), compared, COMPARISON_COLUMNS)
