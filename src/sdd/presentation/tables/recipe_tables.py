"""Table 1 of several recipes, and of runs that are not finished."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sdd.analysis.partial_table1 import measured_tables
from sdd.analysis.table1 import read_table, write_csv
from sdd.analysis.table1_differences import join_recipes
from sdd.experiment import tree
from sdd.presentation.tables.arrangement import arrange
from sdd.presentation.tables.difference_arrangement import arrange_recipes
from sdd.presentation.tables.render_html import write_html
from sdd.presentation.tables.render_image import write_image
from sdd.presentation.tables.render_latex import write_latex
from sdd.runtime.atomic_files import atomic_path

_SIDE_BY_SIDE = "{title}: recipes side by side"


def write_recipes(
    tables: Mapping[str, pd.DataFrame],
    paper: Path,
    contents: Mapping[str, Any],
    *,
    csv: Path | str,
    tex: Path | str,
    html: Path | str,
    images: Sequence[Path | str],
) -> None:
    """Write the tables of recipes as one, in all formats.

    Parameters
    ----------
    contents
        As `sdd.experiment.contents.table1` returns it.
    """
    arranged = arrange_recipes(tables, read_table(paper), **_words(contents))
    text = {"title": _SIDE_BY_SIDE.format(**contents), "notes": contents["notes"]}
    with atomic_path(csv) as temporary:
        join_recipes(tables).to_csv(temporary, index=False, lineterminator="\n")
    write_latex(arranged, tex, **text)
    write_html(arranged, html, **text)
    for path in images:
        write_image(arranged, path, **text)


def write_partial_tables(results: Path, paper: Path, contents: Mapping[str, Any]) -> None:
    """Write what has been measured of each recipe's table, and of all of them; tell where it is.

    Parameters
    ----------
    contents
        As `sdd.experiment.contents.partial_table1` returns it.

    Raises
    ------
    InputError
        If no cell of any recipe has been measured.
    """
    printed, words = read_table(paper), _words(contents)
    tables, counts = measured_tables(results, contents)
    for recipe, table in tables.items():
        text = {"title": f"{contents['title']}, {counts[recipe]}", "notes": contents["notes"]}
        target = tree.path(tree.PARTIAL_TABLE1, results, recipe=recipe)
        arranged = arrange(table, paper=printed, **words)
        write_csv(table, f"{target}.csv")
        write_html(arranged, f"{target}.html", **text)
        write_image(arranged, f"{target}.png", **text)
        sys.stderr.write(f"{target}.html: {counts[recipe]}\n")
    if len(tables) > 1:
        text = {"title": _SIDE_BY_SIDE.format(**contents), "notes": contents["notes"]}
        target = tree.path(tree.PARTIAL_RECIPES, results)
        write_html(arrange_recipes(tables, printed, **words), f"{target}.html", **text)
        sys.stderr.write(f"{target}.html\n")


def _words(contents: Mapping[str, Any]) -> dict[str, Any]:
    return {key: contents[key] for key in ("labels", "group_titles")}
