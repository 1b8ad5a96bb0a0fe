"""Put the certificates of all checkpoints into one table: the largest differences of each."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.detector.certification import collect_certificates
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    collect_certificates([Path(path) for path in snakemake.input], Path(snakemake.output[0]))
