"""Measure how far each test set's fake utterances are from the reference set's."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.analysis.drift_table import measure_drifts, write_replicates
from sdd.runtime.csv_rows import write_rows
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    rows, replicates = measure_drifts(
        Path(snakemake.input.reference_set),
        [Path(path) for path in snakemake.input.tests],
        {Path(path).stem: Path(path) for path in snakemake.input.tables},
        threads=snakemake.threads,
        **snakemake.params.settings,
    )
    write_replicates(Path(snakemake.output.replicates), replicates)
    write_rows(Path(snakemake.output.csv), rows)
