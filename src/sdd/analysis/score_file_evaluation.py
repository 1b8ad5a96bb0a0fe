"""Score files, measured one by one, and shown as a table or as JSON."""

import json
from collections.abc import Mapping
from pathlib import Path

from sdd.analysis.evaluation import Evaluation, Trials, evaluate, log_likelihood_ratios
from sdd.errors import InputError
from sdd.scoring.score_files import SingleScores, read_labelled_scores
from sdd.scoring.score_tables import Score, check_classes, ranked_scores

JSON_KEYS = ("eer", "auc", "min_dcf", "act_dcf", "cllr", "cllr_min", "n_real", "n_fake")


def evaluate_file(path: Path, score: Score) -> Evaluation:
    """Measure the scores of a file.

    Parameters
    ----------
    score
        What EER and AUC rank, where the file has two logits a trial.

    Raises
    ------
    InputError
        If the file cannot be read or has too few trials of a class, or if probabilities are asked
        for of single scores.
    """
    scores = read_labelled_scores(path)
    check_classes(path, scores.real)
    if not isinstance(scores, SingleScores):
        ranked = ranked_scores(scores.logits, score)
        return evaluate(Trials(scores.real, ranked, log_likelihood_ratios(scores.logits)))
    if score == "probability":
        raise InputError(
            f"{path}: it has one score a trial, of which no softmax can be taken; leave out "
            "--score probability"
        )
    return evaluate(Trials(scores.real, scores.values, scores.values))


def as_json(found: Mapping[Path, Evaluation]) -> str:
    """Return a list of objects: `file`, and `JSON_KEYS` with rates as fractions, Cllr in bits."""
    objects = [
        {"file": str(path)} | {key: getattr(values, key) for key in JSON_KEYS}
        for path, values in found.items()
    ]
    return json.dumps(objects, indent=1) + "\n"


def as_table(found: Mapping[Path, Evaluation]) -> str:
    """Return a line for each file, below a header."""
    lines = [
        f"{'EER %':>8} {'AUC %':>8} {'minDCF':>7} {'actDCF':>7} {'Cllr':>8} {'Cllr_min':>8} "
        f"{'threshold':>11} {'real':>7} {'fake':>7}  file"
    ]
    lines += [
        f"{100 * v.eer:8.3f} {100 * v.auc:8.3f} {v.min_dcf:7.4f} {v.act_dcf:7.4f} {v.cllr:8.4f} "
        f"{v.cllr_min:8.4f} {v.threshold:11.5g} {v.n_real:7} {v.n_fake:7}  {path}"
        for path, v in found.items()
    ]
    return "\n".join(lines) + "\n"


def as_short_table(found: Mapping[Path, Evaluation]) -> str:
    """Return a line for each file with its error rates alone, below a header."""
    lines = [f"{'EER %':>8} {'AUC %':>8} {'threshold':>11} {'real':>7} {'fake':>7}  file"]
    lines += [
        f"{100 * v.eer:8.3f} {100 * v.auc:8.3f} {v.threshold:11.5g} {v.n_real:7} {v.n_fake:7}  "
        f"{path}"
        for path, v in found.items()
    ]
    return "\n".join(lines) + "\n"
