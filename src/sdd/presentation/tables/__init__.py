"""Table 1: error rates of every model, start and fine-tuning algorithm on every test set.

`assembly` makes the table from the results of cells, `layout` arranges it as the paper does, and
each renderer writes that arrangement in one format. All values are EERs in percent.
"""

from sdd.analysis.table1 import (
    CELL_COLUMNS,
    IDENTITY,
    assemble_table,
    difference_from_paper,
    domain_columns,
    paper_values,
    read_table,
    write_csv,
)
from sdd.presentation.labels import PAPER_LABELS
from sdd.presentation.tables.arrangement import PAPER_GROUP_TITLES, arrange, grey
from sdd.presentation.tables.difference_arrangement import (
    arrange_differences,
    arrange_recipes,
    join_recipes,
    subtract_paper,
)
from sdd.presentation.tables.render_html import TABLE_STYLE, table_fragment, write_html
from sdd.presentation.tables.render_image import write_image
from sdd.presentation.tables.render_latex import write_latex

__all__ = [
    "CELL_COLUMNS",
    "IDENTITY",
    "PAPER_GROUP_TITLES",
    "PAPER_LABELS",
    "TABLE_STYLE",
    "arrange",
    "arrange_differences",
    "arrange_recipes",
    "assemble_table",
    "difference_from_paper",
    "domain_columns",
    "grey",
    "join_recipes",
    "paper_values",
    "read_table",
    "subtract_paper",
    "table_fragment",
    "write_csv",
    "write_html",
    "write_image",
    "write_latex",
]
