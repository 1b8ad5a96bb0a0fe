"""Generate toy corpora in the layouts of the real ones."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.data.toy.releases import write_toy_corpora
from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    toy = snakemake.params.toy
    write_toy_corpora(Path(snakemake.params.root), workers=snakemake.threads, **toy)
    with atomic_path(snakemake.output[0]) as temporary:
        temporary.write_text(f"generated: seed {toy['seed']}, scale {toy['scale']}\n")
