"""Score sets of segments with the detector of a cell."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.runtime.job_log import logged
from sdd.scoring.set_scoring import score_sets

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

scores = [Path(path) for path in snakemake.output.scores]
state = scores[0].parent.parent / "state" / "scores"
log = Path(snakemake.log[0])
with logged(log, attempts=log.with_stem(f"{log.stem}_attempts")):
    tables = [Path(table) for table in snakemake.input.tables]
    score_sets(
        Path(snakemake.input.model),
        tables=tables,
        scores=scores,
        embeddings=[Path(path) for path in snakemake.output.embeddings],
        audio_folder=tables[0].parent.parent / "audio",
        device=snakemake.config["device"],
        threads=snakemake.threads,
        workers=snakemake.config["workers"],
        save_minutes=snakemake.config["save_state_minutes"],
        state=state,
        code=snakemake.params.code,
        **snakemake.params.settings,
    )
