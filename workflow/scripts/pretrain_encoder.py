"""Pre-train a model's encoder without labels."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.data.segments import read_segments
from sdd.runtime.job_log import logged
from sdd.runtime.machine import Machine
from sdd.training.pretraining import Pretraining, pretrain

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    pretrain(
        Pretraining(**snakemake.params.settings),
        read_segments(Path(snakemake.input[0])),
        Path(snakemake.params.audio),
        model=Path(snakemake.output.model),
        history=Path(snakemake.output.history),
        machine=Machine.of_config(snakemake.config, snakemake.threads),
    )
