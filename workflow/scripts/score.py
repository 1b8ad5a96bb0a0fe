"""Score sets of segments with the detector of a cell."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.runtime.job_log import logged
from sdd.scoring.set_scoring import score_sets

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

log = Path(snakemake.log[0])
with logged(log, attempts=log.with_stem(f"{log.stem}_attempts")):
    score_sets(
        Path(snakemake.input.model),
        tables=[Path(table) for table in snakemake.input.tables],
        scores=[Path(path) for path in snakemake.output.scores],
        embeddings=[Path(path) for path in snakemake.output.embeddings],
        audio_folder=Path(snakemake.params.audio),
        device=snakemake.config["device"],
        threads=snakemake.threads,
        workers=snakemake.config["workers"],
        save_minutes=snakemake.config["save_state_minutes"],
        state=Path(snakemake.params.state),
        code=snakemake.params.code,
        **snakemake.params.settings,
    )
