"""Put the tables of all recipes into one."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.presentation.tables import (
    arrange_recipes,
    join_recipes,
    read_table,
    write_html,
    write_image,
    write_latex,
)
from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    layout = snakemake.params.layout
    tables = {Path(path).parent.name: read_table(path) for path in snakemake.input.tables}
    words = {key: layout[key] for key in ("labels", "group_titles")}
    arranged = arrange_recipes(tables, read_table(snakemake.input.paper), **words)
    text = {"title": f"{layout['title']}: recipes side by side", "notes": layout["notes"]}
    with atomic_path(snakemake.output.csv) as temporary:
        join_recipes(tables).to_csv(temporary, index=False, lineterminator="\n")
    write_latex(arranged, snakemake.output.tex, **text)
    write_html(arranged, snakemake.output.html, **text)
    for path in snakemake.output.images:
        write_image(arranged, path, **text)
