"""Measure how sure error rates are, and compare rows of Table 1 two by two."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.analysis.uncertainty import (
    COMPARISON_COLUMNS,
    add_averages,
    comparison_rows,
    interval_rows,
    measure_rows,
)
from sdd.runtime.csv_rows import write_rows
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    settings, folder = snakemake.params.settings, Path(snakemake.output.intervals).parent
    rows = settings["rows"]
    measured = measure_rows(
        {row["identity"]: [folder / cell for cell in row["cells"]] for row in rows},
        [Path(table) for table in snakemake.input.tables],
        settings["corpora"],
        score=settings["score"],
        random={row["identity"]: row["random"] for row in rows},
        seed=settings["seed"],
    )
    domains = settings["in_domain"], settings["out_of_domain"]
    measured = {row: add_averages(sets, *domains) for row, sets in measured.items()}
    compared = comparison_rows(measured, settings["pairs"], settings["seed"])
    write_rows(Path(snakemake.output.intervals), interval_rows(measured))
    write_rows(Path(snakemake.output.comparisons), compared, COMPARISON_COLUMNS)
