"""Put what a run has reached into its record."""

from importlib.metadata import version
from pathlib import Path
from platform import machine
from typing import TYPE_CHECKING

from sdd.analysis.run_record import keep_record
from sdd.presentation.report.provenance import commit_of
from sdd.runtime.code_digest import CHECKOUT
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    keep_record(
        Path(snakemake.params.results),
        Path(snakemake.params.record),
        checkpoints=snakemake.params.checkpoints,
        config=snakemake.params.config,
        made_by={
            "commit": commit_of(CHECKOUT, besides=Path(snakemake.params.record)),
            "torch": version("torch"),
            "machine": machine(),
            "code": snakemake.params.made_by,
        },
    )
