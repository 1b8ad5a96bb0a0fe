"""Fetch the Debian packages of the study, unpack them, and write what their licences say."""

from pathlib import Path
from typing import TYPE_CHECKING

from sdd.data.study.packages import fetch_packages, read_packages, write_licences
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    params = snakemake.params
    listed = read_packages(Path(snakemake.input[0]))
    folders = fetch_packages(listed, Path(params.downloads), Path(params.unpacked))
    write_licences(Path(snakemake.output[0]), listed, folders)
