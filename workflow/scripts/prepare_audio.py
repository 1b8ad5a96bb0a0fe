"""Decode each source of a corpus once, to 16 kHz mono FLAC."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.data.audio.table import read_paths, write_audio_table
from sdd.data.preparation import prepare_corpus
from sdd.runtime.attempts import attempt
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

params = snakemake.params
with logged(snakemake.log[0]), attempt(Path(params.attempt_file), params.attempt):
    rows = prepare_corpus(
        read_paths(Path(snakemake.input.protocol)),
        Path(params.root),
        Path(params.audio),
        snakemake.wildcards.corpus,
        workers=snakemake.threads,
        allowed_failures=params.allowed,
    )
    write_audio_table(rows, Path(snakemake.output[0]))
