"""Put the parts of pilots into one table, and show it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sdd.analysis.pilot import pilot_rows
from sdd.experiment import tree
from sdd.experiment.pilot import PILOT_COLUMNS
from sdd.presentation.pilot_table import render_pilot
from sdd.runtime.csv_rows import write_rows
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    results = Path(snakemake.params.results)
    rows = pilot_rows(results, Path(snakemake.input.paper), snakemake.params.settings)
    path = tree.path(tree.PILOT, results)
    write_rows(path, rows, PILOT_COLUMNS)
    title = f"Pilot of {snakemake.config['name']} ({path})"
    sys.stdout.write("\n" + render_pilot(rows, title) + "\n")
