"""Read a corpus as released and write its protocol."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.data.corpora.protocol import write_protocol
from sdd.data.corpora.readers import read_corpus
from sdd.runtime.attempts import attempt
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

params = snakemake.params
with logged(snakemake.log[0]), attempt(Path(params.attempt_file), params.attempt):
    options = dict(params.reader)
    rows = read_corpus(
        options.pop("reader"),
        Path(params.root),
        allowed_missing=params.allowed,
        **options,
    )
    write_protocol(rows, Path(snakemake.output[0]))
