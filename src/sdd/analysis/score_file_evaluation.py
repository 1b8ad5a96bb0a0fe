"""Score files, measured one by one and together, and shown as a table or as JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdd.analysis.evaluation import (
    Evaluation,
    Trials,
    error_rates_at,
    evaluate,
)
from sdd.errors import InputError, one_line
from sdd.scoring.calibrations import Calibration, calibrated_ratios, mapped_values
from sdd.scoring.score_files import SingleScores, read_labelled_scores
from sdd.scoring.score_tables import Score, check_classes, ranked_scores
from sdd.scoring.trial_keys import TrialKey
from sdd.scoring.trial_matching import Matching, pair_keys

JSON_KEYS = ("eer", "auc", "min_dcf", "act_dcf", "cllr", "cllr_min", "n_real", "n_fake",
             "f1", "accuracy")  # fmt: skip
LEADERBOARD_KEYS = ("eer", "f1", "accuracy")


@dataclass(frozen=True)
class FileEvaluation:
    """What was measured of a score file.

    Attributes
    ----------
    at_validation
        FRR and FAR at the threshold of a validation set, fractions; None without one.
    """

    values: Evaluation
    at_validation: tuple[float, float] | None = None


@dataclass(frozen=True)
class Reading:
    """How score files are read.

    Attributes
    ----------
    score
        What EER and AUC rank, where a file has two logits a trial.
    keys
        One for all files, one a file, or none where they have labels.
    matching
        How scores find the trials of a key.
    calibration
        Makes natural-log likelihood ratios of scores; None takes the difference of two logits, or
        a single score, for one.
    """

    score: Score = "logit"
    keys: Sequence[TrialKey] = ()
    matching: Matching | None = None
    calibration: Calibration | None = None


def read_trials_of_files(
    paths: Sequence[Path], reading: Reading
) -> tuple[dict[Path, Trials], list[InputError]]:
    """Read the trials of score files.

    Returns
    -------
    found
        By file, in order.
    errors
        Of the files that cannot be read or have too few trials of a class, or of which
        probabilities are asked for though they have single scores.

    Raises
    ------
    InputError
        If there are several keys, but not one a file.
    """
    found, errors = {}, []
    for path, key in zip(paths, pair_keys(len(paths), reading.keys), strict=True):
        try:
            found[path] = _read_trials(path, key, reading)
        except InputError as error:
            errors.append(error)
    return found, errors


def evaluate_files(
    paths: Sequence[Path],
    score: Score,
    validation: Path | None = None,
    *,
    reading: Reading | None = None,
) -> tuple[dict[Path, FileEvaluation], list[InputError]]:
    """Measure the scores of files.

    Parameters
    ----------
    score
        What EER and AUC rank, where a file has two logits a trial.
    validation
        A score file with labels, whose EER threshold is tried on the others.
    reading
        More of how files are read; None: without key or calibration.

    Returns
    -------
    found
        By file, in order.
    errors
        As `read_trials_of_files`.

    Raises
    ------
    InputError
        If that is so of `validation`.
    """
    threshold = None
    if validation is not None:
        threshold = evaluate(_read_trials(validation, None, Reading(score))).threshold
    trials, errors = read_trials_of_files(paths, reading or Reading(score))
    found = {
        path: FileEvaluation(
            evaluate(one), None if threshold is None else error_rates_at(threshold, one)
        )
        for path, one in trials.items()
    }
    return found, errors


def _read_trials(path: Path, key: TrialKey | None, reading: Reading) -> Trials:
    scores = read_labelled_scores(path, key, reading.matching)
    check_classes(path, scores.real)
    if isinstance(scores, SingleScores):
        if reading.score == "probability":
            raise InputError(
                f"{path}: it has one score a trial, of which no softmax can be taken; leave out "
                "--score probability"
            )
        ranked: NDArray[np.floating] = scores.values
    else:
        ranked = ranked_scores(scores.logits, reading.score)
    if reading.calibration is None:
        return Trials(scores.real, ranked, mapped_values(scores)[1])
    return Trials(scores.real, ranked, calibrated_ratios(reading.calibration, path, scores))


# ---------------------------------------------------------------------------------- one by one
def as_json(found: Mapping[Path, FileEvaluation]) -> str:
    """Return a list of objects: `file`, and `JSON_KEYS` with rates as fractions, Cllr in bits."""
    objects = [_object(str(path), file.values, JSON_KEYS) for path, file in found.items()]
    return json.dumps(objects, indent=1) + "\n"


def _object(name: str, values: Evaluation, keys: Iterable[str]) -> dict[str, Any]:
    return {"file": name} | {key: getattr(values, key) for key in keys}


def as_table(found: Mapping[Path, FileEvaluation]) -> str:
    """Return a line for each file, below a header; the last rates are those at validation."""
    moved = any(file.at_validation for file in found.values())
    more = f"{'FRR %':>8} {'FAR %':>8} " if moved else ""
    lines = [
        f"{'EER %':>8} {'AUC %':>8} {'minDCF':>7} {'actDCF':>7} {'Cllr':>8} {'Cllr_min':>8} "
        f"{'threshold':>11} {more}{'real':>7} {'fake':>7}  file"
    ]
    for path, file in found.items():
        v = file.values
        rates = "".join(f"{100 * rate:8.3f} " for rate in file.at_validation or ())
        lines.append(
            f"{100 * v.eer:8.3f} {100 * v.auc:8.3f} {v.min_dcf:7.4f} {v.act_dcf:7.4f} "
            f"{v.cllr:8.4f} {v.cllr_min:8.4f} {v.threshold:11.5g} {rates}{v.n_real:7} "
            f"{v.n_fake:7}  {one_line(str(path))}"
        )
    return "\n".join(lines) + "\n"


def as_short_table(found: Mapping[Path, FileEvaluation]) -> str:
    """Return a line for each file with its error rates alone, below a header."""
    lines = [f"{'EER %':>8} {'AUC %':>8} {'threshold':>11} {'real':>7} {'fake':>7}  file"]
    for path, file in found.items():
        v = file.values
        lines.append(
            f"{100 * v.eer:8.3f} {100 * v.auc:8.3f} {v.threshold:11.5g} {v.n_real:7} "
            f"{v.n_fake:7}  {one_line(str(path))}"
        )
    return "\n".join(lines) + "\n"


# ------------------------------------------------------------------------------------ together
@dataclass(frozen=True)
class Leaderboard:
    """What Speech DF Arena shows of the files of a detector.

    Attributes
    ----------
    average
        EER, F1 and accuracy, fractions: means over the files, each at its own threshold.
    pooled
        Of all trials together, under one threshold.
    """

    files: Mapping[Path, Evaluation]
    average: tuple[float, ...]
    pooled: Evaluation


def leaderboard(trials: Mapping[Path, Trials]) -> Leaderboard:
    """Measure files one by one and together; there is at least one."""
    files = {path: evaluate(one) for path, one in trials.items()}
    average = tuple(
        float(np.mean([getattr(values, key) for values in files.values()]))
        for key in LEADERBOARD_KEYS
    )
    together = Trials(
        *(np.concatenate([getattr(one, name) for one in trials.values()])
          for name in ("real", "ranked", "llrs"))
    )  # fmt: skip
    return Leaderboard(files, average, evaluate(together))


def leaderboard_as_json(board: Leaderboard) -> str:
    """Return an object: `files` as `as_json` has them, `average` and `pooled`; fractions."""
    keys = (*LEADERBOARD_KEYS, "threshold", "n_real", "n_fake")
    pooled = _object("", board.pooled, keys)
    pooled.pop("file")
    shown = {
        "files": [_object(str(path), values, keys) for path, values in board.files.items()],
        "average": dict(zip(LEADERBOARD_KEYS, board.average, strict=True)),
        "pooled": pooled,
    }
    return json.dumps(shown, indent=1) + "\n"


def leaderboard_as_table(board: Leaderboard) -> str:
    """Return a line for each file, below a header; then their average, and all trials pooled."""
    lines = [
        f"{'EER %':>8} {'F1 %':>8} {'accuracy %':>10} {'threshold':>11} {'real':>7} {'fake':>7}"
        "  file"
    ]
    for path, values in board.files.items():
        lines.append(_line(values, one_line(str(path))))
    rate, f1, accuracy = (100 * value for value in board.average)
    lines.append(f"{rate:8.3f} {f1:8.3f} {accuracy:10.3f} {'':11} {'':7} {'':7}  average")
    lines.append(_line(board.pooled, "pooled: one threshold for all"))
    return "\n".join(lines) + "\n"


def _line(v: Evaluation, name: str) -> str:
    return (
        f"{100 * v.eer:8.3f} {100 * v.f1:8.3f} {100 * v.accuracy:10.3f} {v.threshold:11.5g} "
        f"{v.n_real:7} {v.n_fake:7}  {name}"
    )
