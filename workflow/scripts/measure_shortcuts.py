"""Measure how well trivial features tell real from fake, in every set."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sdd.analysis.shortcuts import COLUMNS, read_features, shortcut_rows
from sdd.presentation.shortcuts_page import shortcuts_text, write_shortcuts_page
from sdd.runtime.csv_rows import read_rows, write_rows
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    settings = snakemake.params.settings
    corpora, clusters = settings["corpora"], settings["clusters"]
    sets = {
        name: read_features(Path(features), Path(table), corpus, clusters[corpus])
        for (name, corpus), features, table in zip(
            corpora.items(), snakemake.input.features, snakemake.input.tables, strict=True
        )
    }
    training = sets.get(settings["training_set"])
    rows = shortcut_rows(sets.values(), training, seed=settings["seed"])
    csv = Path(snakemake.output.csv)
    write_rows(csv, rows, COLUMNS)
    # From the file, as the inventory's page shows them.
    shown = read_rows(csv)
    write_shortcuts_page(shown, Path(snakemake.output.page), snakemake.params.labels)
    sys.stdout.write(shortcuts_text(shown, csv))
