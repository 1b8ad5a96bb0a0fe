"""Cut the rows of a protocol into the segments of a set, and make their audio anew."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.data.audio.conditions import Condition
from sdd.data.audio.table import read_audio_table
from sdd.data.corpora.protocol import read_protocol
from sdd.data.cutting import cut_set
from sdd.data.remaking import Remaking, remake_segments
from sdd.data.segments import write_segments
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

params = snakemake.params
with logged(snakemake.log[0]):
    audio_table = read_audio_table(Path(snakemake.input.audio))
    segments = cut_set(
        params.set,
        read_protocol(Path(snakemake.input.protocol)),
        audio_table,
        min_seconds=params.min_seconds,
        audio_folder=Path(params.audio),
    )
    remaking = Remaking(
        condition=Condition.from_config(params.condition) if params.condition else None,
        as_mp3=params.as_mp3,
        root=Path(params.root),
        audio_folder=Path(params.audio),
        place=params.place,
    )
    made, digest = remake_segments(segments, audio_table, remaking, workers=snakemake.threads)
    write_segments(made, Path(snakemake.output[0]), audio=digest)
