"""Read a corpus as released and write its protocol."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.data.corpora import read_corpus
from sdd.data.corpora.protocol import write_protocol
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    options = dict(snakemake.params.reader)
    rows = read_corpus(
        options.pop("reader"),
        Path(snakemake.params.root),
        allowed_missing=snakemake.params.allowed,
        **options,
    )
    write_protocol(rows, Path(snakemake.output[0]))
