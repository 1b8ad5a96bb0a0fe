"""Measure how far each test set's fake utterances are from the reference set's."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.drift import drift
from sdd.job import logged
from sdd.results import read_embeddings, write_rows

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    reference = read_embeddings(Path(snakemake.input.reference))
    tests = {Path(path).stem: read_embeddings(Path(path)) for path in snakemake.input.tests}
    rows = [
        {
            "test_set": name,
            "drift": drift(
                embeddings, reference, method=snakemake.params.method, seed=snakemake.params.seed
            ),
            "n_fake": len(embeddings),
            "n_reference": len(reference),
        }
        for name, embeddings in tests.items()
    ]
    write_rows(Path(snakemake.output[0]), rows)
