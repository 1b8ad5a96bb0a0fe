"""Put the files of a record where a run has them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sdd.analysis.run_record import restore_record
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    restored = restore_record(
        Path(snakemake.params.record),
        Path(snakemake.params.results),
        config=snakemake.params.config,
        code=snakemake.params.made_by,
    )
    sys.stdout.write(f"{len(restored)} files are in {snakemake.params.results} now.\n")
