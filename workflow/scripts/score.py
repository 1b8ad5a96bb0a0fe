"""Score sets of segments with the detector of a cell."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.runtime.job_log import logged
from sdd.runtime.machine import Machine
from sdd.scoring.set_scoring import ScoringSettings, SetFiles, score_sets

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

log = Path(snakemake.log[0])
with logged(log, attempts=log.with_stem(f"{log.stem}_attempts")):
    tables = [Path(path) for path in snakemake.input.tables]
    scores = [Path(path) for path in snakemake.output.scores]
    embeddings = [Path(path) for path in snakemake.output.embeddings] or [None] * len(tables)
    score_sets(
        Path(snakemake.input.model),
        ScoringSettings(**snakemake.params.settings),
        [SetFiles(*files) for files in zip(tables, scores, embeddings, strict=True)],
        audio_folder=Path(snakemake.params.audio),
        state=Path(snakemake.params.state),
        code=snakemake.params.code,
        machine=Machine.of_config(snakemake.config, snakemake.threads),
    )
