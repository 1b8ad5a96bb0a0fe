"""Draw what fine-tuning gains and loses, also for narrow screens."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sdd.presentation.figures.trade_off import draw_trade_off
from sdd.runtime.csv_rows import read_rows
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    draw_trade_off(
        pd.read_csv(snakemake.input.points),
        read_rows(Path(snakemake.input.correlations)),
        Path(snakemake.output[0]),
        snakemake.params.contents,
    )
