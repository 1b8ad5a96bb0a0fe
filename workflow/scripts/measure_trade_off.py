"""Measure what fine-tuning gains and loses along the runs of the trade-off."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.analysis.trade_off import correlation_rows, measure_trade_off
from sdd.runtime.csv_rows import write_rows
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    points = measure_trade_off(
        Path(snakemake.params.results),
        snakemake.wildcards.recipe,
        {Path(table).stem: Path(table) for table in snakemake.input.tables},
        snakemake.params.settings,
    )
    write_rows(Path(snakemake.output.points), points)
    write_rows(Path(snakemake.output.correlations), correlation_rows(points))
