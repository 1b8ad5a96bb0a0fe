"""AntiDeepfake's score CSV: ID, Score (the two logits, as a list), Label (0 fake, 1 real).

Its `evaluation.py` reads it; this project keeps scores as Parquet.
"""

import csv
from pathlib import Path

import numpy as np

from sdd.errors import InputError
from sdd.runtime.atomic_files import atomic_path
from sdd.scoring.score_tables import Scores, check_scores

COLUMNS = ("ID", "Score", "Label")
LABELS = {"0": "fake", "1": "real"}


def write_score_csv(path: Path, scores: Scores) -> None:
    """Write scores as AntiDeepfake does; atomically.

    Parameters
    ----------
    path
        The CSV.
    scores
        Their logits are written in full: reading gives the same bits.
    """
    rows = zip(scores.segment_id, scores.logits.tolist(), scores.real.tolist(), strict=True)
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for name, (fake, real), is_real in rows:
            writer.writerow([name, f"[{fake!r}, {real!r}]", int(is_real)])


def read_score_csv(path: Path) -> Scores:
    """Read scores that AntiDeepfake wrote.

    Parameters
    ----------
    path
        The CSV.

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
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path} cannot be read as a score CSV ({error}): name another."
        ) from error
    if not rows or not set(COLUMNS) <= rows[0].keys():
        raise InputError(
            f"{path} is no score CSV of AntiDeepfake: it needs the columns {', '.join(COLUMNS)} "
            f"and at least one row; it has {', '.join(rows[0]) if rows else 'no row'}."
        )
    logits = np.empty((len(rows), 2), dtype=np.float32)
    labels = []
    for number, row in enumerate(rows):
        logits[number] = _two_logits(path, number + 2, row["Score"])
        label = LABELS.get((row["Label"] or "").strip())
        if label is None:
            raise InputError(
                f"{path}, line {number + 2}: Label is {row['Label']!r}; it must be 0 (fake) or 1 "
                "(real)."
            )
        labels.append(label)
    names = [(row["ID"] or "").strip() for row in rows]
    return check_scores(path, names, labels, logits, remedy="correct the file")


def _two_logits(path: Path, line: int, text: str | None) -> tuple[float, float]:
    try:
        fake, real = (text or "").strip().removeprefix("[").removesuffix("]").split(",")
        return float(fake), float(real)
    except ValueError:
        raise InputError(
            f"{path}, line {line}: Score is {text!r}; it must be two logits, as "
            "'[-3.75, 3.77]' (fake, real)."
        ) from None
