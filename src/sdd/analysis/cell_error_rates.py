"""A cell's equal error rates, of score tables that are those of its test sets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sdd.data.segments import Segments, read_segments, without_suffixes
from sdd.errors import InputError
from sdd.metrics.error_rates import eer
from sdd.scoring.score_tables import (
    LEAST_TRIALS,
    Score,
    Scores,
    check_classes,
    ranked_scores,
    read_scores,
)


def measure_error_rates(
    paths: Sequence[Path],
    tables: Sequence[Path],
    score: Score,
    *,
    skip_suffixes: Sequence[str] = (),
    least_trials: int = LEAST_TRIALS,
) -> list[dict[str, Any]]:
    """Measure the EER of each score table.

    Parameters
    ----------
    paths
        Score tables; a test set is named as its file.
    tables
        Their segment tables, in the same order: what must have been scored.
    score
        What is ranked (`sdd.scoring.score_tables.ranked_scores`).
    skip_suffixes
        Sources of these kinds are not scored (a switch of the recipe).
    least_trials
        Fewer of either class are refused.

    Returns
    -------
    list of dict
        test_set, eer_percent, threshold, n_real, n_fake.

    Raises
    ------
    InputError
        If a score table cannot be used, is not that of its segments, or has too few of a class: the
        file.
    """
    rows = []
    for path, table in zip(paths, tables, strict=True):
        scores = read_scores(path)
        check_trials(path, scores, table, without_suffixes(read_segments(table), skip_suffixes))
        check_classes(path, scores, least_trials)
        values = ranked_scores(scores.logits, score)
        rate, threshold = eer(values[scores.real], values[~scores.real])
        rows.append(
            {
                "test_set": path.stem,
                "eer_percent": 100 * rate,
                "threshold": threshold,
                "n_real": int(scores.real.sum()),
                "n_fake": int((~scores.real).sum()),
            }
        )
    return rows


def check_trials(path: Path, scores: Scores, table: Path, segments: Segments) -> None:
    """Hold a score table against the segments that were to be scored.

    Parameters
    ----------
    path, scores
        The score table, and its file for the message.
    table, segments
        The segment table, without what the recipe skips.

    Raises
    ------
    InputError
        If segments are missing or of another table, or labels differ.
    """
    remedy = "delete the score file to have the set scored again"
    scored, wanted = set(scores.segment_id), set(segments.segment_id)
    foreign = [name for name in scores.segment_id if name not in wanted]
    missing = [name for name in segments.segment_id if name not in scored]
    if foreign:
        all_of_them = "all" if len(foreign) == len(scored) else str(len(foreign))
        raise InputError(
            f"{path}: {all_of_them} of its {len(scored)} segments are not in {table}, the first is "
            f"{foreign[0]!r}: they are the scores of another protocol; {remedy}"
        )
    if missing:
        raise InputError(
            f"{path}: {len(missing)} of the {len(wanted)} segments of {table} have no score, the "
            f"first is {missing[0]!r}; {remedy}"
        )
    labels = dict(zip(segments.segment_id, segments.is_real.tolist(), strict=True))
    for name, real in zip(scores.segment_id, scores.real.tolist(), strict=True):
        if real != labels[name]:
            here, there = ("real", "fake") if real else ("fake", "real")
            raise InputError(
                f"{path}: segment {name!r} is {here} there but {there} in {table}; {remedy}"
            )
