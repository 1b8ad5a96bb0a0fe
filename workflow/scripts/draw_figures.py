"""Draw all figures beyond the paper's, and Figure 2 for narrow screens."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.presentation.figures.all_figures import draw_figures
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    target = Path(snakemake.output[0])
    draw_figures(target.parent, target, snakemake.params.layout)
