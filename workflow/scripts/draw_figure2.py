"""Draw Figure 2: drift of each test set, a profile an algorithm."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sdd.analysis.cell_tables import read_cells
from sdd.presentation.figures.figure2 import plot_figure2
from sdd.presentation.figures.style import save_figure
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    drifts = pd.DataFrame(read_cells([Path(path) for path in snakemake.input]))
    drifts["drift"] = drifts["drift"].astype(float)
    save_figure(plot_figure2(drifts, snakemake.params.contents), snakemake.output)
