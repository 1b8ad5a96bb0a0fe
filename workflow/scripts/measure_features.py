"""Measure the trivial features of the segments of a set."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.data.segments import read_segments
from sdd.data.trivial_features import features_of_segments, write_features
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    table = read_segments(Path(snakemake.input.segments))
    values = features_of_segments(table, Path(snakemake.params.audio), workers=snakemake.threads)
    write_features(Path(snakemake.output[0]), table, values)
