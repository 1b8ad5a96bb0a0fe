"""Take stock of corpora: a page and a table of what was found, also where it fails."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sdd.data.inventory.corpus import refuse_unusable, take_inventory
from sdd.data.inventory.table import write_table
from sdd.presentation.inventory_page import write_page
from sdd.runtime.csv_rows import read_rows
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    page, journals = Path(snakemake.params.page), snakemake.params.journals
    inventories = [
        take_inventory(
            corpus,
            Path(snakemake.params.root),
            Path(journals[corpus]),
            min_seconds=snakemake.config["min_seconds"],
            workers=snakemake.threads,
            **options,
        )
        for corpus, options in snakemake.params.corpora.items()
    ]
    write_table(inventories, page.with_suffix(".csv"))
    shortcuts = Path(snakemake.params.shortcuts)  # if `snakemake shortcuts` was asked for
    write_page(
        inventories,
        page,
        experiment=snakemake.config["name"],
        shortcuts=read_rows(shortcuts) if shortcuts.is_file() else (),
        labels=snakemake.params.labels,
    )
    refuse_unusable(inventories, page)
    sys.stdout.write(f"All {len(inventories)} corpora can be used. What was found: {page}\n")
