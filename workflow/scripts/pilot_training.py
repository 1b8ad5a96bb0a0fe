"""Run some steps of a stage, and note how fast they were."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.data.segments import read_segments
from sdd.runtime.csv_rows import write_rows
from sdd.runtime.job_log import logged
from sdd.runtime.machine import Machine
from sdd.training.finetuning import Stage, StageInputs
from sdd.training.pilot import PilotRun, pilot_training
from sdd.training.training_data import TrainingData

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    settings, checkpoint = snakemake.params.settings, Path(snakemake.input.checkpoint)
    tables = (read_segments(Path(snakemake.input[name])) for name in ("training", "validation"))
    measured = pilot_training(
        Stage.from_config(settings["stage"]),
        StageInputs(checkpoint, checkpoint, Path(snakemake.params.state)),
        TrainingData(*tables, audio_folder=Path(snakemake.params.audio)),
        PilotRun(**settings["run"]),
        Machine.of_config(snakemake.config, snakemake.threads),
        code=snakemake.params.code,
        attempt=snakemake.resources.attempt,
    )
    write_rows(Path(snakemake.output[0]), [settings["identity"] | measured])
