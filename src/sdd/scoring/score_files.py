"""Score files: our Parquet, AntiDeepfake's CSV, and those with a single score a trial.

AntiDeepfake's CSV, which its `evaluation.py` reads, has the columns ID, Score (the two logits, as a
list) and Label (0 fake, 1 real). Such a CSV may have a single number as Score, and be separated by
semicolons or tabs (`.tsv`). ASVspoof 5 has text,
a line `<speaker> <utterance> <score> <bonafide or spoof>`.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sdd.errors import InputError
from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.number_text import decimal_comma_hint, parse_number
from sdd.runtime.text_files import read_text, split_lines
from sdd.runtime.text_tables import TextTable, read_text_table
from sdd.scoring.score_tables import (
    Scores,
    check_scores,
    check_unique,
    read_scores,
    write_score_columns,
)

PARQUET, TEXT = ".parquet", ".txt"
# What separates the cells of a table that is written; one that is read may have others.
TABLES = {".csv": ",", ".tsv": "\t"}
CSV_COLUMNS = ("ID", "Score", "Label")
CSV_LABELS = {"0": "fake", "1": "real"}
TEXT_LABELS = {"bonafide": "real", "spoof": "fake"}
CORRECT = "correct the file"
# With its brackets: "0,94" is a number with a decimal comma, not two logits.
_TWO = re.compile(r"\s*\[([^,\[\]]+),([^,\[\]]+)\]\s*")
_FLOAT32 = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class SingleScores:
    """One score of each of N trials; higher means more likely real."""

    segment_id: list[str]
    real: NDArray[np.bool_]
    """``bool [N]``."""
    values: NDArray[np.float64]
    """``float64 [N]``."""


def read_score_file(path: Path) -> Scores:
    """Read a score file of either kind, as its suffix says.

    Raises
    ------
    InputError
        If the suffix is neither, or as `read_scores` and `read_score_csv`.
    """
    return read_scores(path, CORRECT) if _kind(path) == PARQUET else read_score_csv(path)


def write_score_file(path: Path, scores: Scores) -> None:
    """Write scores as the suffix says; atomically.

    Raises
    ------
    InputError
        If the suffix is neither.
    """
    if _kind(path) in TABLES:
        write_score_csv(path, scores)
    else:
        labels = ["real" if real else "fake" for real in scores.real.tolist()]
        write_score_columns(path, scores.segment_id, labels, scores.logits)


def read_labelled_scores(path: Path) -> Scores | SingleScores:
    """Read scores of trials whose label is known, with two logits a trial or with one score.

    Raises
    ------
    InputError
        If the suffix is none of a score file, or the file cannot be used: the file and the line.
    """
    if path.suffix.lower() == TEXT:
        return _read_asvspoof5(path)
    if _kind(path) == PARQUET:
        return read_scores(path, CORRECT)
    table = _read_csv(path)
    # As the first row is, so are all: a number, or a list of two.
    single = parse_number(table.column("Score")[0]) is not None
    return _single_scores_of(table) if single else _scores_of(table)


def write_score_csv(path: Path, scores: Scores) -> None:
    """Write scores as AntiDeepfake does; atomically.

    Parameters
    ----------
    path
        With tabs instead of commas if it ends in `.tsv`.
    scores
        Their logits are written in full: reading returns the same bits.
    """
    rows = zip(scores.segment_id, scores.logits.tolist(), scores.real.tolist(), strict=True)
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        separator = TABLES.get(path.suffix.lower(), ",")
        writer = csv.writer(file, delimiter=separator, lineterminator="\n")
        writer.writerow(CSV_COLUMNS)
        for name, (fake, real), is_real in rows:
            writer.writerow([name, f"[{fake!r}, {real!r}]", int(is_real)])


def read_score_csv(path: Path) -> Scores:
    """Read scores that AntiDeepfake wrote.

    Returns
    -------
    Scores
        In the order of the file.

    Raises
    ------
    InputError
        If the file is missing or no such CSV, a row has no two finite logits or another label than
        0 and 1, or an ID is empty or there twice: the file and the row.
    """
    return _scores_of(_read_csv(path))


def _read_csv(path: Path) -> TextTable:
    table = read_text_table(path, CSV_COLUMNS)
    if not table.rows or not set(CSV_COLUMNS) <= set(table.columns):
        raise InputError(
            f"{path} is no score CSV of AntiDeepfake: it needs the columns "
            f"{', '.join(CSV_COLUMNS)} and at least one row; it has "
            f"{', '.join(table.columns) if table.rows else 'no row'}."
        )
    return table


def _scores_of(table: TextTable) -> Scores:
    logits = np.empty((len(table.rows), 2), dtype=np.float32)
    for index, text in enumerate(table.column("Score")):
        logits[index] = _two_logits(table.path, table.lines[index], text)
    return check_scores(
        table.path, _names(table), _labels(table), logits, remedy=CORRECT, rows=table.lines
    )


def _names(table: TextTable) -> list[str]:
    return [name.strip() for name in table.column("ID")]


def _labels(table: TextTable) -> list[str]:
    labels = []
    for line, text in zip(table.lines, table.column("Label"), strict=True):
        label = CSV_LABELS.get(text.strip())
        if label is None:
            raise InputError(
                f"{table.path}, line {line}: Label is {text!r}; it must be 0 (fake) or 1 (real)."
            )
        labels.append(label)
    return labels


def _single_scores_of(table: TextTable) -> SingleScores:
    scores = zip(table.lines, table.column("Score"), strict=True)
    values = [_one_score(table.path, line, text) for line, text in scores]
    return _single_scores(table.path, table.lines, _names(table), _labels(table), values)


def _read_asvspoof5(path: Path) -> SingleScores:
    """Read lines of `<speaker> <utterance> <score> <bonafide or spoof>`."""
    names, labels, values, places = [], [], [], []
    for place, line in enumerate(split_lines(read_text(path)), start=1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != 4 or fields[3] not in TEXT_LABELS:
            raise InputError(
                f"{path}, line {place}: {line.strip()!r} is not '<speaker> <utterance> <score> "
                f"<bonafide or spoof>', as ASVspoof 5 has it; {CORRECT}"
            )
        names.append(fields[1])
        values.append(_one_score(path, place, fields[2]))
        labels.append(TEXT_LABELS[fields[3]])
        places.append(place)
    if not names:
        raise InputError(f"{path} is empty: it needs a line for each trial.")
    return _single_scores(path, places, names, labels, values)


def _single_scores(
    path: Path,
    lines: Sequence[int],
    names: list[str],
    labels: Sequence[str],
    values: Sequence[float],
) -> SingleScores:
    if "" in names:
        raise InputError(f"{path}: row {lines[names.index('')]} has no ID; {CORRECT}")
    check_unique(path, names, CORRECT, lines)
    return SingleScores(names, np.array(labels) == "real", np.array(values, dtype=np.float64))


def _kind(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in (PARQUET, *TABLES):
        raise InputError(
            f"{path}: a score file ends in {PARQUET} (of the workflow) or {' or '.join(TABLES)} "
            "(AntiDeepfake's)."
        )
    return suffix


def _two_logits(path: Path, line: int, text: str) -> tuple[float, float]:
    found = _TWO.fullmatch(text)
    fake, real = map(parse_number, found.groups()) if found else (None, None)
    if fake is None or real is None or max(abs(fake), abs(real)) > _FLOAT32:
        raise InputError(
            f"{path}, line {line}: Score is {text!r}; it must be two finite logits, as "
            f"'[-3.75, 3.77]' (fake, real){decimal_comma_hint(text)}."
        )
    return fake, real


def _one_score(path: Path, line: int, text: str) -> float:
    value = parse_number(text)
    if value is None:
        raise InputError(
            f"{path}, line {line}: the score {text!r} is no finite number"
            f"{decimal_comma_hint(text)}; {CORRECT}"
        )
    return value
