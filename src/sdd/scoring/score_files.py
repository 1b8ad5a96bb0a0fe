"""Score files, read in every form of the field (`sdd.scoring.score_lines`), with a key if needed.

The workflow's own are Parquet; AntiDeepfake's CSV, which its `evaluation.py` reads, has the columns
ID, Score (the two logits, as a list) and Label (0 fake, 1 real).
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sdd.errors import InputError
from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.text_tables import TextTable, read_text_table
from sdd.scoring.score_lines import (
    ANTIDEEPFAKE,
    CORRECT,
    PARQUET,
    ScoreLines,
    classes_of,
    logits_of,
    read_score_lines,
)
from sdd.scoring.score_tables import Scores, check_scores, read_scores, write_score_columns
from sdd.scoring.trial_keys import TrialKey
from sdd.scoring.trial_matching import Matching, match_trials, require_labels

# What separates the cells of a table that is written; one that is read may have others.
TABLES = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True)
class SingleScores:
    """One score of each of N trials; higher means more likely real."""

    segment_id: list[str]
    real: NDArray[np.bool_]
    """``bool [N]``."""
    values: NDArray[np.float64]
    """``float64 [N]``."""


def read_score_file(path: Path) -> Scores:
    """Read a score file with two logits a trial, Parquet or AntiDeepfake's CSV, as its suffix says.

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


def read_labelled_scores(
    path: Path, key: TrialKey | None = None, matching: Matching | None = None
) -> Scores | SingleScores:
    """Read scores of trials whose label is known, with two logits a trial or with one score.

    Parameters
    ----------
    key
        Where the file does not say which trials are real, or may lack some.
    matching
        How scores find their trials; None: by name, and all of them.

    Raises
    ------
    InputError
        If the file cannot be used, or is not that of the key: the file and the line.
    """
    return labelled_scores(match_trials(read_score_lines(path), key, matching))


def labelled_scores(lines: ScoreLines) -> Scores | SingleScores:
    """Make scores of lines, one of each trial.

    Raises
    ------
    InputError
        If they have no labels.
    """
    real = np.array(require_labels(lines)) == "real"
    if lines.logits is not None:
        return Scores(lines.names, real, lines.logits)
    return SingleScores(lines.names, real, np.asarray(lines.values, dtype=np.float64))


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
        writer.writerow(ANTIDEEPFAKE)
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
    table = _read_csv(path)
    names = [name.strip() for name in table.column("ID")]
    logits = logits_of(table)
    return check_scores(
        table.path, names, classes_of(table), logits, remedy=CORRECT, rows=table.lines
    )


def _read_csv(path: Path) -> TextTable:
    table = read_text_table(path, ANTIDEEPFAKE)
    if not table.rows or not set(ANTIDEEPFAKE) <= set(table.columns):
        raise InputError(
            f"{path} is no score CSV of AntiDeepfake: it needs the columns "
            f"{', '.join(ANTIDEEPFAKE)} and at least one row; it has "
            f"{', '.join(table.columns) if table.rows else 'no row'}."
        )
    return table


def _kind(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in (PARQUET, *TABLES):
        raise InputError(
            f"{path}: a score file ends in {PARQUET} (of the workflow) or {' or '.join(TABLES)} "
            "(AntiDeepfake's)."
        )
    return suffix
