"""Fine-tune a detector, or post-train one."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.data.segments import read_segments
from sdd.experiment.variants import with_choice
from sdd.runtime.job_log import logged
from sdd.runtime.machine import Machine
from sdd.training.finetuning import Stage, StageFiles, finetune
from sdd.training.training_data import TrainingData

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

log = Path(snakemake.log[0])
with logged(log, attempts=log.with_stem(f"{log.stem}_attempts")):
    finetune(
        Stage.from_config(
            with_choice(snakemake.params.settings, snakemake.input.get("choice", []))
        ),
        StageFiles(
            start=Path(snakemake.input.start),
            checkpoint=Path(snakemake.input.checkpoint),
            model=Path(snakemake.output.model),
            history=Path(snakemake.output.history),
            state=Path(snakemake.params.state),
            kept=[Path(path) for path in snakemake.output.get("kept", [])],
        ),
        TrainingData(
            read_segments(Path(snakemake.input.training)),
            read_segments(Path(snakemake.input.validation)),
            audio_folder=Path(snakemake.params.audio),
        ),
        Machine.of_config(snakemake.config, snakemake.threads),
        code=snakemake.params.code,
        accept_state=snakemake.config["accept_state"],
        attempt=snakemake.resources.attempt,
    )
