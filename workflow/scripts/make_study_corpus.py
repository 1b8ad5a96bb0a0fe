"""Make a corpus of the study: clips of real speech, and fakes beside them."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.data.study.corpora import write_corpus
from sdd.data.study.packages import package_folders, read_packages
from sdd.runtime.digests import file_digest
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    params, packages = snakemake.params, Path(snakemake.input.packages)
    write_corpus(
        snakemake.wildcards.corpus,
        Path(snakemake.output[0]).parent,
        package_folders(read_packages(packages), Path(params.unpacked)),
        made_of=f"packages {file_digest(packages)}, code {params.code}",
        seed=params.seed,
        scale=params.scale,
        workers=snakemake.threads,
    )
