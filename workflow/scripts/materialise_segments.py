"""Write the segments of a set as files, for other tools."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.job import logged
from sdd.materialisation import materialise_segments
from sdd.segments import read_segments

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    table = Path(snakemake.input.segments)
    materialise_segments(
        read_segments(table),
        Path(snakemake.params.audio),
        Path(snakemake.output[0]).parent,
        workers=snakemake.threads,
    )
