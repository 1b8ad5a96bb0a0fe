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
    # Not of every set that is scored: a file of embeddings is named as that of its scores.
    embeddings = {Path(path).name: Path(path) for path in snakemake.output.embeddings}
    score_sets(
        Path(snakemake.input.model),
        ScoringSettings(**snakemake.params.settings),
        [
            SetFiles(table, of_set, embeddings.get(of_set.name))
            for table, of_set in zip(tables, scores, strict=True)
        ],
        audio_folder=Path(snakemake.params.audio),
        state=Path(snakemake.params.state),
        code=snakemake.params.code,
        machine=Machine.of_config(snakemake.config, snakemake.threads),
    )
