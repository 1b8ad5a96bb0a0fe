"""Fine-tune a detector, or post-train one."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.data.segments import read_segments
from sdd.runtime.job_log import logged
from sdd.training.finetuning import finetune, machine_settings

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

log = Path(snakemake.log[0])
with logged(log, attempts=log.with_stem(f"{log.stem}_attempts")):
    finetune(
        start=Path(snakemake.input.start),
        checkpoint=Path(snakemake.input.checkpoint),
        model=Path(snakemake.output.model),
        history=Path(snakemake.output.history),
        state=Path(snakemake.params.state),
        training=read_segments(Path(snakemake.input.training)),
        validation=read_segments(Path(snakemake.input.validation)),
        audio_folder=Path(snakemake.params.audio),
        threads=snakemake.threads,
        **machine_settings(snakemake.config),
        **snakemake.params.settings,
    )
