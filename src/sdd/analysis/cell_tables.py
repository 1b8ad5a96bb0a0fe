"""CSV tables of cells, such as eer.csv and drift.csv, read into one."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sdd.experiment.cells import Cell
from sdd.runtime.csv_rows import read_rows


def read_cells(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Read a CSV of many cells; each row gets its cell's model, init, algorithm and round.

    Parameters
    ----------
    paths
        Files in cells' folders: ``.../{model}/{init}/{algorithm}/round{n}/{name}.csv``.
    """
    rows: list[dict[str, Any]] = []
    for path in paths:
        cell = asdict(Cell.parse(path.parent))
        rows.extend({**cell, **row} for row in read_rows(path))
    return rows
