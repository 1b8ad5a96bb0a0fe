"""Measure how far each test set's fake utterances are from the reference set's."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.analysis.drift_table import measure_drifts
from sdd.runtime.csv_rows import write_rows
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    rows = measure_drifts(
        Path(snakemake.input.reference_set),
        [Path(path) for path in snakemake.input.tests],
        threads=snakemake.threads,
        **snakemake.params.settings,
    )
    write_rows(Path(snakemake.output[0]), rows)
