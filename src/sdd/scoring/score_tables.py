"""Score tables: what a detector says of the segments of a test set."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from sdd.data.segments import Segments
from sdd.errors import InputError
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
    """``bool [N]``."""
    logits: np.ndarray
    """``float32 [N, 2]``: index 0 FAKE, 1 REAL."""


def write_scores(path: Path, table: Segments, logits: np.ndarray) -> None:
    """Write a score table: segment_id, label, logit_fake, logit_real; atomically.

    Parameters
    ----------
    logits
        ``float32 [N, 2]``, in its order.
    """
    write_score_columns(path, table.segment_id, table.label, logits)


def write_score_columns(
    path: Path, names: Sequence[str], labels: Sequence[str], logits: np.ndarray
) -> None:
    """Write a score table of its columns; atomically.

    Parameters
    ----------
    names, labels
        ``str [N]``: segment IDs, and `real` or `fake`.
    logits
        ``float32 [N, 2]``: index 0 FAKE, 1 REAL.
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


def read_scores(path: Path, remedy: str | None = None) -> Scores:
    """Read a score table.

    Parameters
    ----------
    remedy
        For the message, what to do about a file of the user's; None: it is the workflow's own.

    Raises
    ------
    InputError
        If the file is no score table, has a segment twice or without a name, a label other than
        real and fake, or a score that is not finite: the file and the segment.
    """
    columns = ["segment_id", "label", "logit_fake", "logit_real"]
    table = read_parquet(path, columns, remedy).to_pydict()
    remedy = remedy or SCORE_AGAIN
    try:
        # A missing value becomes NaN here, and is found below.
        logits = np.array([table["logit_fake"], table["logit_real"]], dtype=np.float64).T
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: its logits are no numbers ({error}); {remedy}") from error
    if logits.ndim != 2:
        raise InputError(f"{path}: its logits are no single numbers; {remedy}")
    # What float32 has no room for is found below as infinite.
    with np.errstate(over="ignore"):
        logits = logits.astype(np.float32)
    return check_scores(path, table["segment_id"], table["label"], logits, remedy)


def check_scores(
    path: Path,
    names: Sequence[str | int | None],
    labels: Sequence[str | None],
    logits: np.ndarray,
    remedy: str = SCORE_AGAIN,
    rows: Sequence[int] | None = None,
) -> Scores:
    """Make scores of the columns of a file, or say what is wrong with it.

    Parameters
    ----------
    path
        The file, for the message.
    names, labels
        ``str [N]``; whole numbers become text as they stand. Labels are `real` or `fake`.
    logits
        ``float32 [N, 2]``; index 0 FAKE, 1 REAL.
    remedy
        What to do about it, for the message.
    rows
        ``int [N]``, numbers of the rows for the message; None counts from 1.

    Raises
    ------
    InputError
        As `read_scores`.
    """
    rows = range(1, len(names) + 1) if rows is None else rows
    for row, name, label in zip(rows, names, labels, strict=True):
        if name is None or name == "":
            raise InputError(f"{path}: row {row} has no segment ID; {remedy}")
        if not isinstance(name, str | int) or isinstance(name, bool):
            raise InputError(
                f"{path}: row {row} has the {type(name).__name__} {name!r} as segment ID, which is "
                f"neither text nor a whole number; {remedy}"
            )
        if label not in ("real", "fake"):
            raise InputError(
                f"{path}: row {row}, segment {name!r} has label {label!r}, neither real nor fake; "
                f"{remedy}"
            )
    # Error rates would refuse them, too, but could not name the file and the segment.
    broken = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if broken.size:
        raise InputError(
            f"{path}: row {rows[broken[0]]}, segment {names[broken[0]]!r} has a logit that is not "
            f"finite ({broken.size} rows in all); {remedy}"
        )
    segment_ids = [str(name) for name in names]
    check_unique(path, segment_ids, remedy, rows)
    return Scores(segment_ids, np.array(labels) == "real", logits)


def ranked_scores(logits: np.ndarray, score: Score) -> np.ndarray:
    """Return what error rates rank, ``float [N]``: the logit of REAL, or its probability.

    Parameters
    ----------
    logits
        ``float32 [N, 2]``; index 0 FAKE, 1 REAL.
    score
        `logit` (paper 3.1) or `probability` (softmax in float32, saturation and all, as the
        released code).
    """
    return _probability_of_real(logits) if score == "probability" else logits[:, 1]


def check_classes(path: Path, is_real: np.ndarray, least: int = LEAST_TRIALS) -> None:
    """Refuse scores that are too few of a class for an error rate.

    Parameters
    ----------
    path
        The file, for the message.
    is_real
        ``bool [N]``.

    Raises
    ------
    InputError
        If there are fewer than `least` real or fake segments: the file and the class.
    """
    for label, count in (("real", is_real.sum()), ("fake", (~is_real).sum())):
        if count == 0:
            raise InputError(f"{path}: no {label} segment; an EER needs both classes")
        if count < least:
            raise InputError(
                f"{path}: {count} {label} segments; an EER of fewer than {least} a class says "
                "nothing: take a larger test set, or leave this one out (leave_out)"
            )


def check_unique(
    path: Path,
    names: Sequence[str],
    remedy: str = SCORE_AGAIN,
    rows: Sequence[int] | None = None,
) -> None:
    """Refuse a segment that a file holds twice; arguments are those of `check_scores`.

    Raises
    ------
    InputError
        Naming the file, the segment, its rows and the remedy.
    """
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        numbers = range(1, len(names) + 1) if rows is None else rows
        found = [row for row, name in zip(numbers, names, strict=True) if name == repeated[0]]
        raise InputError(
            f"{path}: segment {repeated[0]!r} stands in row {found[0]} and again in row {found[1]} "
            f"({len(repeated)} segments are repeated); {remedy}"
        )


def _probability_of_real(logits: np.ndarray) -> np.ndarray:
    """Return the softmax of REAL, ``float32 [N]``, as PyTorch computes it; near 1 it saturates."""
    odds = np.exp(logits - logits.max(axis=1, keepdims=True), dtype=np.float32)
    return np.asarray(odds[:, 1] / odds.sum(axis=1))
