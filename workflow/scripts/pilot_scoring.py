"""Score a sample of each test set, and note how fast that was."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.runtime.csv_rows import write_rows
from sdd.runtime.job_log import logged
from sdd.runtime.machine import Machine
from sdd.scoring.pilot import Sample, pilot_scoring
from sdd.scoring.set_scoring import ScoringSettings, SetFiles

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    settings = snakemake.params.settings
    files = zip(snakemake.input.tables, snakemake.output.scores, strict=True)
    measured = pilot_scoring(
        Path(snakemake.input.model),
        ScoringSettings(**settings["scoring"]),
        [SetFiles(Path(table), Path(scores)) for table, scores in files],
        Sample(**settings["sample"]),
        audio_folder=Path(snakemake.params.audio),
        machine=Machine.of_config(snakemake.config, snakemake.threads),
    )
    rows = [settings["identity"] | row for row in measured]
    write_rows(Path(snakemake.output.table), rows)
