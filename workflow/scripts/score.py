"""Score sets of segments with the detector of a cell."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.runtime.job_log import logged
from sdd.runtime.machine import Machine
from sdd.scoring.set_scoring import ScoringSettings, SetFiles, score_sets

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

scores = [Path(path) for path in snakemake.output.scores]
state = scores[0].parent.parent / "state" / "scores"
log = Path(snakemake.log[0])
with logged(log, attempts=log.with_stem(f"{log.stem}_attempts")):
    tables = [Path(table) for table in snakemake.input.tables]
    embeddings = [Path(path) for path in snakemake.output.embeddings] or [None] * len(tables)
    score_sets(
        Path(snakemake.input.model),
        ScoringSettings(**snakemake.params.settings),
        [SetFiles(*files) for files in zip(tables, scores, embeddings, strict=True)],
        audio_folder=tables[0].parent.parent / "audio",
        state=state,
        code=snakemake.params.code,
        machine=Machine.of_config(snakemake.config, snakemake.threads),
    )
