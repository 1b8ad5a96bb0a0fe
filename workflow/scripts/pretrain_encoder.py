"""Pre-train a model's encoder without labels."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.data.segments import read_segments
from sdd.runtime.job_log import logged
from sdd.training.pretraining import pretrain

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    pretrain(
        table=read_segments(Path(snakemake.input[0])),
        audio_folder=Path(snakemake.params.audio),
        model=Path(snakemake.output.model),
        history=Path(snakemake.output.history),
        device=snakemake.config["device"],
        threads=snakemake.threads,
        workers=snakemake.config["workers"],
        **snakemake.params.settings,
    )
