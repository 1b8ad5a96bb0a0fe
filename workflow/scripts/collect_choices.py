"""Put the choices of all rows into one file, and show what to mind."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sdd.analysis.tuning import read_yaml, write_yaml
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    choices = {
        row: read_yaml(Path(path))
        for row, path in zip(snakemake.params.rows, snakemake.input, strict=True)
    }
    write_yaml(
        Path(snakemake.output[0]),
        choices,
        "Settings of each row (model/init/algorithm), chosen on the validation set alone.",
    )
    for row, choice in choices.items():
        chosen = ", ".join(f"{name} {value}" for name, value in choice["chosen"].items())
        sys.stdout.write("\n  ".join([f"{row}: {chosen}", *choice["remarks"]]) + "\n")
