"""Pre-train a model's encoder without labels."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.job import logged
from sdd.pretraining import pretrain
from sdd.segments import read_segments

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    segments = Path(snakemake.input[0])
    pretrain(
        table=read_segments(segments),
        audio_folder=segments.parent.parent / "audio",
        model=Path(snakemake.output.model),
        history=Path(snakemake.output.history),
        device=snakemake.config["device"],
        threads=snakemake.threads,
        workers=snakemake.config["workers"],
        **snakemake.params.settings,
    )
