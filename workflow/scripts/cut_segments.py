"""Cut the rows of a protocol into the segments of a set."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.data.audio.table import digest_of_audio, read_audio_table
from sdd.data.corpora.protocol import read_protocol
from sdd.data.cutting import cut_set
from sdd.data.segments import write_segments
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    audio_table = read_audio_table(Path(snakemake.input.audio))
    segments = cut_set(
        snakemake.params.set,
        read_protocol(Path(snakemake.input.protocol)),
        audio_table,
        min_seconds=snakemake.params.min_seconds,
        audio_folder=Path(snakemake.params.audio),
    )
    digest = digest_of_audio(audio_table, segments["file"])
    write_segments(segments, Path(snakemake.output[0]), audio=digest)
