"""Table 1 of a run that is not finished: whatever has been measured, and dashes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sdd.analysis.table1 import assemble_table
from sdd.errors import InputError
from sdd.scoring.score_tables import read_cells


def measured_tables(
    folder: Path, layout: Mapping[str, Any]
) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """Make the table of each recipe from the cells that have an eer.csv.

    Parameters
    ----------
    folder
        results/{name}.
    layout
        As `sdd.experiment.contents.partial_layout` gives it: rows, columns and, by recipe, all
        cells.

    Returns
    -------
    tables : dict
        By recipe; a recipe of which nothing has been measured is left out.
    counts : dict
        By recipe, "12 of 54 cells measured".

    Raises
    ------
    InputError
        If no cell of any recipe has been measured.
    """
    tables, counts = {}, {}
    for recipe in layout["recipes"]:
        paths = [folder / recipe / cell / "eer.csv" for cell in layout["cells"]]
        there = [path for path in paths if path.is_file()]
        if there:
            cells = [tuple(row.values())[:6] for row in read_cells(there)]
            tables[recipe] = assemble_table(
                [(*cell[:5], float(cell[5])) for cell in cells],
                layout["rows"],
                layout["in_domain"],
                layout["out_of_domain"],
            )
            counts[recipe] = f"{len(there)} of {len(paths)} cells measured"
    if not tables:
        raise InputError(
            f"{folder}: none of the {len(layout['cells'])} cells has been measured under any of "
            f"the recipes {', '.join(layout['recipes'])}; ask for one, such as "
            f"{folder / layout['recipes'][0] / layout['cells'][0] / 'eer.csv'}"
        )
    return tables, counts
