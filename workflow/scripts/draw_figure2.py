"""Draw Figure 2, drift of each test set, at two widths, and write its caption."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sdd.analysis.cell_tables import read_cells
from sdd.presentation.figures.figure2 import (
    ONE_COLUMN,
    TWO_COLUMNS,
    figure2_caption,
    plot_figure2,
)
from sdd.presentation.figures.style import save_figure
from sdd.presentation.latex import latex_markup
from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    contents, output = snakemake.params.contents, snakemake.output
    drifts = pd.DataFrame(read_cells([Path(path) for path in snakemake.input]))
    drifts["drift"] = drifts["drift"].astype(float)
    save_figure(plot_figure2(drifts, contents, width=TWO_COLUMNS), output.columns, dpi=300)
    save_figure(plot_figure2(drifts, contents, width=ONE_COLUMN), output.column, dpi=300)
    with atomic_path(output.caption) as temporary:
        caption = latex_markup(figure2_caption(drifts, contents))
        temporary.write_text(caption + "\n", encoding="utf-8")
