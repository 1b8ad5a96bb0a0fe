"""Calibrate a cell on the validation set, and measure its error rates and costs."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.analysis.breakdown import BREAKDOWN_COLUMNS
from sdd.analysis.cell_error_rates import calibrate_cell, measure_error_rates
from sdd.runtime.csv_rows import write_rows
from sdd.runtime.job_log import logged
from sdd.scoring.calibrations import write_calibration

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    settings = snakemake.params.settings
    validation = [Path(path) for path in snakemake.input.validation]
    calibration = calibrate_cell(*validation, settings["skip_suffixes"]) if validation else None
    rates, breakdown = measure_error_rates(
        [Path(path) for path in snakemake.input.scores],
        [Path(path) for path in snakemake.input.tables],
        validation=(validation[0], validation[1]) if validation else None,
        calibration=calibration,
        **settings,
    )
    write_rows(Path(snakemake.output.rates), rates)
    write_rows(Path(snakemake.output.breakdown), breakdown, BREAKDOWN_COLUMNS)
    if calibration is not None:
        write_calibration(Path(snakemake.output.calibration[0]), calibration)
