"""Average the weights that a stage of fine-tuning started from and ended in."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.runtime.job_log import logged
from sdd.training.averaging import average_stage

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    average_stage(
        Path(snakemake.input.start),
        Path(snakemake.input.end),
        Path(snakemake.output.model),
        **snakemake.params.settings,
    )
