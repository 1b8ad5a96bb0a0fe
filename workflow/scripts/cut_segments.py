"""Cut the rows of a protocol into the segments of a set."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.data.audio.table import digest_of_audio, read_audio_table, read_failures
from sdd.data.corpora.protocol import read_protocol
from sdd.data.cutting import cut_segments
from sdd.data.segments import write_segments
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    part = snakemake.params.set
    audio_table = read_audio_table(Path(snakemake.input.audio))
    # An attempt that failed leaves its list beside the table of the one before.
    failures = read_failures(Path(snakemake.params.audio), part["corpus"])
    failed = set(failures) - set(audio_table["path"])
    segments = cut_segments(
        read_protocol(Path(snakemake.input.protocol)),
        audio_table,
        partition=part.get("partition"),
        label=part.get("label"),
        max_seconds=part.get("max_seconds"),
        min_seconds=snakemake.params.min_seconds,
        failed=failed,
    )
    digest = digest_of_audio(audio_table, segments["file"])
    write_segments(segments, Path(snakemake.output[0]), audio=digest)
