"""Choose the settings of a row of the table by their validations."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.analysis.tuning import choose, write_yaml
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    row = [snakemake.wildcards[name] for name in ("model", "init", "algorithm")]
    write_yaml(
        Path(snakemake.output[0]),
        choose(
            histories=[Path(path) for path in snakemake.input],
            **snakemake.params.settings,
        ),
        f"The settings of {' '.join(row)}, chosen on the validation set alone.",
    )
