"""Table 1 of an unfinished run: what has been measured, and dashes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sdd.analysis.cell_tables import read_cells
from sdd.analysis.table1 import assemble_table
from sdd.errors import InputError
from sdd.experiment import tree


def measured_tables(
    results: Path, contents: Mapping[str, Any]
) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """Return the table of each recipe from the cells that have an eer.csv.

    Parameters
    ----------
    contents
        As `sdd.experiment.contents.partial_table1` returns it.

    Returns
    -------
    tables
        By recipe; a recipe of which nothing has been measured is left out.
    counts
        By recipe, "12 of 54 cells measured".

    Raises
    ------
    InputError
        If no cell of any recipe has been measured.
    """
    tables, counts = {}, {}
    for recipe in contents["recipes"]:
        paths = [
            tree.path(tree.EER, results, recipe=recipe, cell=cell) for cell in contents["cells"]
        ]
        there = [path for path in paths if path.is_file()]
        # A recipe nobody has asked for has no table, rather than one of dashes.
        if there:
            tables[recipe] = assemble_table(
                pd.DataFrame(read_cells(there)),
                contents["rows"],
                contents["in_domain"],
                contents["out_of_domain"],
            )
            counts[recipe] = f"{len(there)} of {len(paths)} cells measured"
    if not tables:
        recipes, cells = contents["recipes"], contents["cells"]
        raise InputError(
            f"{results}: none of the {len(cells)} cells has been measured under any of the recipes "
            f"{', '.join(recipes)}; ask for one, such as "
            f"{tree.path(tree.EER, results, recipe=recipes[0], cell=cells[0])}"
        )
    return tables, counts
