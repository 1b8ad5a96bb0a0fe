"""Write the segments of a set as files, for other tools."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.data.materialisation import materialise_segments
from sdd.data.segments import read_segments
from sdd.runtime.job_log import logged

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
