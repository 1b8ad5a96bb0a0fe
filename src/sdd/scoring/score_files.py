"""Score files of either kind: our Parquet, and AntiDeepfake's CSV, which its `evaluation.py` reads.

The CSV has the columns ID, Score (the two logits, as a list) and Label (0 fake, 1 real).
"""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from sdd.errors import InputError
from sdd.metrics.error_rates import area_under_curve, eer
from sdd.runtime.atomic_files import atomic_path
from sdd.scoring.score_tables import (
    Score,
    Scores,
    check_classes,
    check_scores,
    ranked_scores,
    read_scores,
    write_score_columns,
)

CSV, PARQUET = ".csv", ".parquet"
CSV_COLUMNS = ("ID", "Score", "Label")
CSV_LABELS = {"0": "fake", "1": "real"}


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


def rates_of_file(path: Path, score: Score) -> dict[str, Any]:
    """Measure EER and AUC of a score file.

    Returns
    -------
    dict
        eer_percent, auc_percent, threshold, n_real, n_fake.

    Raises
    ------
    InputError
        If it cannot be read, or has too few trials of a class.
    """
    scores = read_score_file(path)
    check_classes(path, scores)
    values = ranked_scores(scores.logits, score)
    real, fake = values[scores.real], values[~scores.real]
    rate, threshold = eer(real, fake)
    return {
        "eer_percent": 100 * rate,
        "auc_percent": 100 * area_under_curve(real, fake),
        "threshold": threshold,
        "n_real": len(real),
        "n_fake": len(fake),
    }


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
    logits = np.empty((len(rows), 2), dtype=np.float32)
    labels = []
    for number, row in enumerate(rows):
        logits[number] = _two_logits(path, number + 2, row["Score"])
        label = CSV_LABELS.get((row["Label"] or "").strip())
        if label is None:
            raise InputError(
                f"{path}, line {number + 2}: Label is {row['Label']!r}; it must be 0 (fake) or 1 "
                "(real)."
            )
        labels.append(label)
    names = [(row["ID"] or "").strip() for row in rows]
    return check_scores(path, names, labels, logits, remedy="correct the file")


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
