"""Put the paper's claims to the table at hand."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from sdd.analysis.claims.assessment import COLUMNS, assess_results, claim_rows
from sdd.presentation.claims_page import one_training_warning, write_claims_page
from sdd.runtime.csv_rows import write_rows
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    contents = snakemake.params.contents
    assessed = assess_results(
        Path(snakemake.input.comparisons),
        [Path(path) for path in snakemake.input.drifts],
        Path(snakemake.input.paper),
        contents,
    )
    write_rows(Path(snakemake.output.csv), claim_rows(assessed), COLUMNS)
    if warning := one_training_warning(assessed):
        logging.getLogger(__name__).warning("%s", warning)
    write_claims_page(
        assessed,
        snakemake.output.html,
        title=contents["title"],
        remarks=contents["notes"],
        labels=contents["labels"],
    )
