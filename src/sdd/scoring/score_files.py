"""Score files: our Parquet, AntiDeepfake's CSV, and those with a single score a trial.

AntiDeepfake's CSV, which its `evaluation.py` reads, has the columns ID, Score (the two logits, as a
list) and Label (0 fake, 1 real). Such a CSV may have a single number as Score. ASVspoof 5 has text,
a line `<speaker> <utterance> <score> <bonafide or spoof>`.
"""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sdd.errors import InputError
from sdd.runtime.atomic_files import atomic_path
from sdd.scoring.score_tables import (
    Scores,
    check_scores,
    check_unique,
    read_scores,
    write_score_columns,
)

CSV, PARQUET, TEXT = ".csv", ".parquet", ".txt"
CSV_COLUMNS = ("ID", "Score", "Label")
CSV_LABELS = {"0": "fake", "1": "real"}
TEXT_LABELS = {"bonafide": "real", "spoof": "fake"}
CORRECT = "correct the file"


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
    return read_score_csv(path) if _kind(path) == CSV else read_scores(path)


def write_score_file(path: Path, scores: Scores) -> None:
    """Write scores as the suffix says; atomically.

    Raises
    ------
    InputError
        If the suffix is neither.
    """
    if _kind(path) == CSV:
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
    if _kind(path) == CSV and _has_single_scores(path):
        return _read_single_csv(path)
    return read_score_file(path)


def write_score_csv(path: Path, scores: Scores) -> None:
    """Write scores as AntiDeepfake does; atomically.

    Parameters
    ----------
    scores
        Their logits are written in full: reading returns the same bits.
    """
    rows = zip(scores.segment_id, scores.logits.tolist(), scores.real.tolist(), strict=True)
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
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
    rows = _csv_rows(path)
    logits = np.empty((len(rows), 2), dtype=np.float32)
    for number, row in enumerate(rows):
        logits[number] = _two_logits(path, number + 2, row["Score"])
    return check_scores(path, _names(rows), _labels(path, rows), logits, remedy=CORRECT)


def _csv_rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path} cannot be read as a score CSV ({error}): name another."
        ) from error
    if not rows or not set(CSV_COLUMNS) <= rows[0].keys():
        raise InputError(
            f"{path} is no score CSV of AntiDeepfake: it needs the columns "
            f"{', '.join(CSV_COLUMNS)} and at least one row; it has "
            f"{', '.join(rows[0]) if rows else 'no row'}."
        )
    return rows


def _names(rows: Sequence[dict[str, str]]) -> list[str]:
    return [(row["ID"] or "").strip() for row in rows]


def _labels(path: Path, rows: Sequence[dict[str, str]]) -> list[str]:
    labels = []
    for number, row in enumerate(rows):
        label = CSV_LABELS.get((row["Label"] or "").strip())
        if label is None:
            raise InputError(
                f"{path}, line {number + 2}: Label is {row['Label']!r}; it must be 0 (fake) or 1 "
                "(real)."
            )
        labels.append(label)
    return labels


def _has_single_scores(path: Path) -> bool:
    """Tell whether the Score of the first row is a number, not a list of two."""
    try:
        float(_csv_rows(path)[0]["Score"] or "")
    except ValueError:
        return False
    return True


def _read_single_csv(path: Path) -> SingleScores:
    rows = _csv_rows(path)
    values = [_one_score(path, place, row["Score"]) for place, row in enumerate(rows, start=2)]
    return _single_scores(path, _names(rows), _labels(path, rows), values)


def _read_asvspoof5(path: Path) -> SingleScores:
    """Read lines of `<speaker> <utterance> <score> <bonafide or spoof>`."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as scores ({error}): name another.") from error
    names, labels, values = [], [], []
    for place, line in enumerate(lines, start=1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != 4 or fields[3] not in TEXT_LABELS:
            raise InputError(
                f"{path}, line {place}: {line!r} is not '<speaker> <utterance> <score> "
                f"<bonafide or spoof>', as ASVspoof 5 has it; {CORRECT}"
            )
        names.append(fields[1])
        values.append(_one_score(path, place, fields[2]))
        labels.append(TEXT_LABELS[fields[3]])
    return _single_scores(path, names, labels, values)


def _single_scores(
    path: Path, names: list[str], labels: Sequence[str], values: Sequence[float]
) -> SingleScores:
    if "" in names:
        raise InputError(f"{path}: row {names.index('') + 1} has no ID; {CORRECT}")
    check_unique(path, names, CORRECT)
    return SingleScores(names, np.array(labels) == "real", np.array(values, dtype=np.float64))


def _kind(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in (CSV, PARQUET):
        raise InputError(
            f"{path}: a score file ends in {PARQUET} (of the workflow) or {CSV} (AntiDeepfake's)."
        )
    return suffix


def _two_logits(path: Path, line: int, text: str | None) -> tuple[float, float]:
    try:
        fake, real = (text or "").strip().removeprefix("[").removesuffix("]").split(",")
        return float(fake), float(real)
    except ValueError:
        raise InputError(
            f"{path}, line {line}: Score is {text!r}; it must be two logits, as "
            "'[-3.75, 3.77]' (fake, real)."
        ) from None


def _one_score(path: Path, line: int, text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{path}, line {line}: the score {text!r} is no finite number; {CORRECT}")
    return value
