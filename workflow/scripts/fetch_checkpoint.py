"""Fetch a checkpoint, check it, and convert it to safetensors."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.detector.checkpoints.conversion import convert_checkpoint
from sdd.detector.checkpoints.download import fetch
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    checkpoint = snakemake.params.checkpoint
    folder = Path(snakemake.params.folder)
    convert_checkpoint(
        fetch(checkpoint["source"], folder, checkpoint.get("digest")),
        Path(snakemake.output[0]),
        snakemake.params.architecture,
        encoder_only=snakemake.wildcards.checkpoint.endswith("/pre"),
        metadata={key: checkpoint[key] for key in ("source", "licence") if key in checkpoint},
    )
