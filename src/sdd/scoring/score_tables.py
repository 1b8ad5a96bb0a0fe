"""The files of a cell: scores, error rates and other tables."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sdd.data.segments import Segments, read_segments, without_suffixes
from sdd.errors import InputError
from sdd.metrics.error_rates import eer
from sdd.runtime.csv_rows import read_rows
from sdd.runtime.parquet import read_parquet, write_parquet

Score = Literal["logit", "probability"]

# An EER moves in steps of half a trial of either class: with fewer it says nothing.
LEAST_TRIALS = 10
SCORE_AGAIN = "delete the file to have the set scored again"


@dataclass(frozen=True)
class Scores:
    """A score table: N segments of a test set."""

    segment_id: list[str]
    real: np.ndarray
    """[N] bool."""
    logits: np.ndarray
    """[N, 2] float32: index 0 FAKE, 1 REAL."""


def write_scores(path: Path, table: Segments, logits: np.ndarray) -> None:
    """Write a score table: segment_id, label, logit_fake, logit_real; atomically.

    Parameters
    ----------
    path
        Parquet file.
    table
        The segment table.
    logits
        [N, 2] float32, in its order.
    """
    write_score_columns(path, table.segment_id, table.label, logits)


def write_score_columns(
    path: Path, names: Sequence[str], labels: Sequence[str], logits: np.ndarray
) -> None:
    """Write a score table of its columns; atomically.

    Parameters
    ----------
    path
        Parquet file.
    names, labels
        [N] segment IDs, and `real` or `fake`.
    logits
        [N, 2] float32: index 0 FAKE, 1 REAL.
    """
    write_parquet(
        path,
        {
            "segment_id": list(names),
            "label": list(labels),
            "logit_fake": logits[:, 0],
            "logit_real": logits[:, 1],
        },
    )


def read_scores(path: Path) -> Scores:
    """Read a score table.

    Raises
    ------
    InputError
        If the file is no score table, has a segment twice or without a name, a label other than
        real and fake, or a score that is not finite: the file and the segment.
    """
    columns = ["segment_id", "label", "logit_fake", "logit_real"]
    table = read_parquet(path, columns).to_pydict()
    try:
        # A missing value becomes NaN here, and is found below.
        logits = np.array([table["logit_fake"], table["logit_real"]], dtype=np.float32).T
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: its logits are no numbers ({error}); {SCORE_AGAIN}") from error
    return check_scores(path, table["segment_id"], table["label"], logits)


def check_scores(
    path: Path,
    names: Sequence[str | None],
    labels: Sequence[str | None],
    logits: np.ndarray,
    remedy: str = SCORE_AGAIN,
) -> Scores:
    """Make scores of the columns of a file, or say what is wrong with it.

    Parameters
    ----------
    path
        The file, for the message.
    names, labels
        [N]; labels are `real` or `fake`.
    logits
        [N, 2]; index 0 FAKE, 1 REAL.
    remedy
        What to do about it, for the message.

    Raises
    ------
    InputError
        As `read_scores`.
    """
    for row, (name, label) in enumerate(zip(names, labels, strict=True), start=1):
        if not name:
            raise InputError(f"{path}: row {row} has no segment ID; {remedy}")
        if label not in ("real", "fake"):
            raise InputError(
                f"{path}: row {row}, segment {name!r} has label {label!r}, neither real nor fake; "
                f"{remedy}"
            )
    broken = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if broken.size:
        raise InputError(
            f"{path}: row {broken[0] + 1}, segment {names[broken[0]]!r} has a logit that is not "
            f"finite ({broken.size} rows in all); {remedy}"
        )
    found = [str(name) for name in names]
    check_unique(path, found, remedy)
    return Scores(found, np.array(labels) == "real", logits)


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
    labels = dict(zip(segments.segment_id, segments.label, strict=True))
    for name, real in zip(scores.segment_id, scores.real.tolist(), strict=True):
        if real != (labels[name] == "real"):
            raise InputError(
                f"{path}: segment {name!r} is {'real' if real else 'fake'} there but "
                f"{labels[name]} in {table}; {remedy}"
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
        What is ranked: the logit of REAL (paper 3.1), or the softmax probability of REAL in
        float32, as the released code does.
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


def ranked_scores(logits: np.ndarray, score: Score) -> np.ndarray:
    """Give what error rates rank, [N]: the logit of REAL, or its probability, saturation and all.

    Parameters
    ----------
    logits
        [N, 2] float32; index 0 FAKE, 1 REAL.
    score
        `logit` or `probability` (softmax in float32, as the released code).
    """
    return _probability_of_real(logits) if score == "probability" else logits[:, 1]


def check_classes(path: Path, scores: Scores, least: int = LEAST_TRIALS) -> None:
    """Refuse scores that are too few of a class for an error rate.

    Raises
    ------
    InputError
        If there are fewer than `least` real or fake segments: the file and the class.
    """
    for label, count in (("real", scores.real.sum()), ("fake", (~scores.real).sum())):
        if count == 0:
            raise InputError(f"{path}: no {label} segment; an EER needs both classes")
        if count < least:
            raise InputError(
                f"{path}: {count} {label} segments; an EER of fewer than {least} a class says "
                "nothing: take a larger test set, or leave this one out (leave_out)"
            )


def check_unique(path: Path, names: Sequence[str], remedy: str = SCORE_AGAIN) -> None:
    """Refuse a segment that a file holds twice.

    Raises
    ------
    InputError
        Naming the file, the segment, its rows and the remedy.
    """
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        rows = [row for row, name in enumerate(names, start=1) if name == repeated[0]]
        raise InputError(
            f"{path}: segment {repeated[0]!r} stands in row {rows[0]} and again in row {rows[1]} "
            f"({len(repeated)} segments are repeated); {remedy}"
        )


def _probability_of_real(logits: np.ndarray) -> np.ndarray:
    """Softmax in float32, [N], less the maximum as PyTorch has it; near 1 it saturates."""
    odds = np.exp(logits - logits.max(axis=1, keepdims=True), dtype=np.float32)
    return np.asarray(odds[:, 1] / odds.sum(axis=1))


def read_cells(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Read a CSV of many cells; each row gets its cell's model, init, algorithm and round.

    Parameters
    ----------
    paths
        Files in cells' folders: ``.../{model}/{init}/{algorithm}/round{n}/{name}.csv``.
    """
    rows: list[dict[str, Any]] = []
    for path in paths:
        model, init, algorithm, number = path.parent.parts[-4:]
        cell = {
            "model": model,
            "init": init,
            "algorithm": algorithm,
            "round": int(number.removeprefix("round")),
        }
        rows.extend({**cell, **row} for row in read_rows(path))
    return rows
