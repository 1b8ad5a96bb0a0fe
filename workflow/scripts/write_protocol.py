"""Inventory a corpus as released and write its protocol."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.corpora import read_corpus, write_protocol
from sdd.job import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    corpus = dict(snakemake.params.corpus)
    reader = corpus.pop("reader")
    if reader == "folders":
        corpus["corpus"] = snakemake.wildcards.corpus
    rows = read_corpus(
        reader,
        Path(snakemake.params.root),
        partitions=snakemake.params.partitions,
        allowed_missing=snakemake.config["unreadable_sources"],
        **corpus,
    )
    write_protocol(rows, Path(snakemake.output[0]))
