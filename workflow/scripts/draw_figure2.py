"""Draw Figure 2: drift of each test set, a profile an algorithm."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sdd.presentation.figures import drift_caption, plot_drift, save_figure
from sdd.runtime.job_log import logged
from sdd.scoring.score_tables import read_cells

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    layout = snakemake.params.layout
    drifts = pd.DataFrame(read_cells([Path(path) for path in snakemake.input]))
    drifts["drift"] = drifts["drift"].astype(float)
    caption = drift_caption(drifts, reference=layout["reference"], method=layout["method"])
    figure = plot_drift(
        drifts,
        layout["panels"],
        layout["test_sets"],
        labels=layout["labels"],
        title=layout["title"],
        caption=" ".join([caption, *layout["notes"]]),
        in_domain=layout["in_domain"],
    )
    save_figure(figure, snakemake.output)
