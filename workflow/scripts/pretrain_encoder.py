"""Pre-train a model's encoder without labels."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.data.segments import read_segments
from sdd.runtime.job_log import logged
from sdd.runtime.machine import Machine
from sdd.training.pretraining import Pretraining, PretrainingFiles, pretrain

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

log = Path(snakemake.log[0])
with logged(log, attempts=log.with_stem(f"{log.stem}_attempts")):
    pretrain(
        Pretraining(**snakemake.params.settings),
        read_segments(Path(snakemake.input[0])),
        Path(snakemake.params.audio),
        PretrainingFiles(
            model=Path(snakemake.output.model),
            history=Path(snakemake.output.history),
            state=Path(snakemake.params.state),
        ),
        Machine.of_config(snakemake.config, snakemake.threads),
        code=snakemake.params.code,
    )
