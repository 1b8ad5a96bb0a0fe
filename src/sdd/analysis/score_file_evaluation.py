"""Score files, measured one by one, and shown as a table or as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sdd.analysis.evaluation import (
    Evaluation,
    Trials,
    error_rates_at,
    evaluate,
    log_likelihood_ratios,
)
from sdd.errors import InputError, one_line
from sdd.scoring.score_files import SingleScores, read_labelled_scores
from sdd.scoring.score_tables import Score, check_classes, ranked_scores

JSON_KEYS = ("eer", "auc", "min_dcf", "act_dcf", "cllr", "cllr_min", "n_real", "n_fake")


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


def evaluate_files(
    paths: Sequence[Path], score: Score, validation: Path | None = None
) -> tuple[dict[Path, FileEvaluation], list[InputError]]:
    """Measure the scores of files.

    Parameters
    ----------
    score
        What EER and AUC rank, where a file has two logits a trial.
    validation
        A score file whose EER threshold is tried on the others.

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
        If that is so of `validation`.
    """
    threshold = None
    if validation is not None:
        threshold = evaluate(_read_trials(validation, score)).threshold
    found, errors = {}, []
    for path in paths:
        try:
            trials = _read_trials(path, score)
        except InputError as error:
            errors.append(error)
            continue
        at_validation = None if threshold is None else error_rates_at(threshold, trials)
        found[path] = FileEvaluation(evaluate(trials), at_validation)
    return found, errors


def _read_trials(path: Path, score: Score) -> Trials:
    scores = read_labelled_scores(path)
    check_classes(path, scores.real)
    if not isinstance(scores, SingleScores):
        ranked = ranked_scores(scores.logits, score)
        return Trials(scores.real, ranked, log_likelihood_ratios(scores.logits))
    if score == "probability":
        raise InputError(
            f"{path}: it has one score a trial, of which no softmax can be taken; leave out "
            "--score probability"
        )
    return Trials(scores.real, scores.values, scores.values)


def as_json(found: Mapping[Path, FileEvaluation]) -> str:
    """Return a list of objects: `file`, and `JSON_KEYS` with rates as fractions, Cllr in bits."""
    objects = [
        {"file": str(path)} | {key: getattr(file.values, key) for key in JSON_KEYS}
        for path, file in found.items()
    ]
    return json.dumps(objects, indent=1) + "\n"


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
