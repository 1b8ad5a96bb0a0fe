"""Table 1 as a LaTeX document that compiles alone; its tabular can be copied into a paper."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from sdd.presentation.latex import latex_markup
from sdd.presentation.tables.arrangement import Arrangement, Row, Shown, as_arrangement
from sdd.runtime.atomic_files import atomic_path

_DOCUMENT = r"""\documentclass[border=6pt]{standalone}
\usepackage[utf8]{inputenc}
\usepackage{amssymb}
\usepackage{booktabs}
\usepackage{multirow}
\usepackage{colortbl}
\usepackage{xcolor}
\newsavebox{\resultbox}
\begin{document}
\begin{lrbox}{\resultbox}
% Rules without white gaps between the shaded cells.
\setlength{\aboverulesep}{0pt}\setlength{\belowrulesep}{0pt}%
\setlength{\tabcolsep}{4pt}\renewcommand{\arraystretch}{1.25}%
%% BEGIN TABLE
TABULAR
%% END TABLE
\end{lrbox}
\begin{minipage}{\wd\resultbox}
\raggedright
TITLE
\usebox{\resultbox}
NOTES
\end{minipage}
\end{document}
"""


def write_latex(
    table: pd.DataFrame | Arrangement,
    path: Path | str,
    *,
    title: str,
    notes: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    group_titles: tuple[str, str] | None = None,
) -> None:
    """Write a table as a standalone LaTeX document (booktabs, multirow, colortbl).

    Parameters
    ----------
    table
        As `sdd.analysis.table1.assemble_table` returns it, or an arrangement of one; of small
        text only the deviation over rounds is shown.
    """
    arrangement = as_arrangement(table, labels=labels, group_titles=group_titles)
    below = "\n".join(
        rf"\par\smallskip{{\footnotesize {latex_markup(note)}}}"
        for note in (arrangement.legend, *notes)
    )
    parts = {
        "TABULAR": "\n".join(_tabular(arrangement)),
        "TITLE": rf"{{\bfseries {latex_markup(title)}\par}}\medskip",
        "NOTES": below,
    }
    # In one pass, so that a model called TITLE stays one.
    document = re.sub("|".join(parts), lambda match: parts[match[0]], _DOCUMENT)
    with atomic_path(path) as temporary:
        temporary.write_text(document, encoding="utf-8")


def _tabular(arrangement: Arrangement) -> list[str]:
    """Return the lines of the table: four columns of names, those of each group, the row's number.

    Lines are drawn as in the paper: between models, and between starts from the second column on.
    """
    numbers = "".join(f"*{{{len(group.columns)}}}{{c}}" for group in arrangement.groups)
    last = 5 + len(arrangement.columns)
    lines = [rf"\begin{{tabular}}{{lccl{numbers}c}}", r"\toprule"]

    def heading(*words: str) -> str:
        stacked = r"\\".join(words)
        return rf"\multirow{{2}}{{*}}{{\shortstack{{{stacked}}}}}"

    titles, rules, first = [], [], 5
    for group in arrangement.groups:
        count = len(group.columns)
        titles.append(rf"\multicolumn{{{count}}}{{c}}{{{latex_markup(group.title)}}}")
        rules.append(rf"\cmidrule(lr){{{first}-{first + count - 1}}}")
        first += count
    leading = [
        heading("Model"),
        heading("Pre-", "train"),
        heading("Post-", "train"),
        heading("Fine-", "tune"),
    ]
    lines.append(" & ".join([*leading, *titles, heading("Row", "ID")]) + r" \\")
    lines.append("".join(rules))
    names = [latex_markup(column.heading) for column in arrangement.columns]
    lines.append(" & ".join(["", "", "", "", *names, ""]) + r" \\")
    for row in arrangement.rows:
        if row.model_span:
            lines.append(r"\midrule")
        elif row.training_span:
            lines.append(rf"\cmidrule{{2-{last}}}")
        lines.append(" & ".join(_row_cells(row)) + r" \\")
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _row_cells(row: Row) -> list[str]:
    return [
        _merged(row.model, row.model_span),
        _merged(row.pre_trained, row.training_span),
        _merged(row.post_trained, row.training_span),
        latex_markup(row.algorithm),
        *(_shaded(cell) for cell in row.cells),
        str(row.number),
    ]


def _merged(text: str, span: int) -> str:
    if span == 0:
        return ""
    return latex_markup(text) if span == 1 else rf"\multirow{{{span}}}{{*}}{{{latex_markup(text)}}}"


def _shaded(cell: Shown) -> str:
    text = latex_markup(cell.text)
    if cell.spread:
        text += rf"\,{{\tiny {latex_markup(cell.spread)}}}"
    if cell.white:
        text = rf"\textcolor{{white}}{{{text}}}"
    red, green, blue = cell.colour
    if red == green == blue:
        return rf"\cellcolor[gray]{{{red:.2f}}}{text}"
    return rf"\cellcolor[rgb]{{{red:.2f}, {green:.2f}, {blue:.2f}}}{text}"
