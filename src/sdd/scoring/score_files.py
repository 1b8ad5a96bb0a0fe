"""Score files of either kind: our Parquet, and AntiDeepfake's CSV."""

from pathlib import Path
from typing import Any

from sdd.errors import InputError
from sdd.metrics.error_rates import area_under_curve, eer
from sdd.scoring.score_csv import read_score_csv, write_score_csv
from sdd.scoring.score_tables import (
    Score,
    Scores,
    check_classes,
    ranked_scores,
    read_scores,
    write_score_columns,
)

CSV, PARQUET = ".csv", ".parquet"


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

    Parameters
    ----------
    path
        Of either kind.
    score
        What is ranked.

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


def _kind(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in (CSV, PARQUET):
        raise InputError(
            f"{path}: a score file ends in {PARQUET} (of the workflow) or {CSV} (AntiDeepfake's)."
        )
    return suffix
