"""Draw all figures beyond the paper's, and Figure 2 for narrow screens."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.presentation.figures.all_figures import draw_figures
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    draw_figures(
        Path(snakemake.params.results),
        snakemake.wildcards.recipe,
        Path(snakemake.output[0]),
        snakemake.params.contents,
    )
