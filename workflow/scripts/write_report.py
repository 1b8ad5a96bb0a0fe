"""Write the report: one page that needs nothing else."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.presentation.report.report import write_report
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    write_report(
        Path(snakemake.output[0]),
        results=Path(snakemake.params.results),
        recipe=snakemake.wildcards.recipe,
        paper=Path(snakemake.input.paper),
        others=Path(snakemake.input.others),
        repository=Path(snakemake.scriptdir).parents[1],
        contents=snakemake.params.contents,
    )
