"""A cell's error rates and costs, of score tables that are those of its test sets."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sdd.analysis.breakdown import breakdown_rows
from sdd.analysis.calibration import measure_worth
from sdd.analysis.evaluation import Trials, error_rates_at, evaluate
from sdd.data.segments import Segments, read_segments, without_suffixes
from sdd.errors import InputError
from sdd.metrics.error_rates import eer
from sdd.scoring.calibrations import Calibration, fit_calibration, log_likelihood_ratios
from sdd.scoring.score_tables import (
    LEAST_TRIALS,
    Score,
    Scores,
    check_classes,
    ranked_scores,
    read_scores,
)

CALIBRATED = ("cllr_calibrated", "act_dcf_calibrated", "beyond_calibration_percent")


@dataclass(frozen=True)
class ScoredSet:
    """The scores of a set: trials, and their segments and logits in the same order."""

    trials: Trials
    segments: Segments
    scores: Scores


def read_scored_set(
    path: Path,
    table: Path,
    score: Score,
    *,
    skip_suffixes: Sequence[str] = (),
    least_trials: int = LEAST_TRIALS,
) -> ScoredSet:
    """Read a score table that is that of a segment table.

    Parameters
    ----------
    table
        The segment table: what must have been scored.
    score
        What is ranked (`sdd.scoring.score_tables.ranked_scores`).
    skip_suffixes
        Sources of these kinds are not scored (a switch of the recipe).
    least_trials
        Fewer of either class are refused.

    Raises
    ------
    InputError
        If the score table cannot be used, is not that of its segments, or has too few of a class:
        the file.
    """
    scores = read_scores(path)
    segments = without_suffixes(read_segments(table), skip_suffixes)
    check_trials(path, scores, table, segments)
    check_classes(path, scores.real, least_trials)
    places = {name: place for place, name in enumerate(segments.segment_id)}
    ordered = segments.select([places[name] for name in scores.segment_id])
    ranked = ranked_scores(scores.logits, score)
    trials = Trials(scores.real, ranked, log_likelihood_ratios(scores.logits))
    return ScoredSet(trials, ordered, scores)


def calibrate_cell(path: Path, table: Path, skip_suffixes: Sequence[str] = ()) -> Calibration:
    """Fit a calibration to the scores of a validation set; arguments as for `read_scored_set`.

    Raises
    ------
    InputError
        As `read_scored_set`.
    """
    # Training has selected weights by it, however few of a class it has.
    held_out = read_scored_set(path, table, "logit", skip_suffixes=skip_suffixes, least_trials=1)
    return fit_calibration([(path, held_out.scores)])


def measure_error_rates(
    paths: Sequence[Path],
    tables: Sequence[Path],
    score: Score,
    *,
    skip_suffixes: Sequence[str] = (),
    least_trials: int = LEAST_TRIALS,
    validation: tuple[Path, Path] | None = None,
    domains: Sequence[Sequence[str]] = (),
    calibration: Calibration | None = None,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Measure each score table of a cell.

    Parameters
    ----------
    paths
        Score tables; a test set is named as its file.
    tables
        Their segment tables, in the same order.
    score, skip_suffixes, least_trials
        As for `read_scored_set`.
    validation
        Score and segment table of the validation set, whose EER threshold is tried on the test
        sets; None where it is not scored.
    domains
        Test sets that are also measured together, under one threshold.
    calibration
        Fitted on the validation set; None where it is not scored.

    Returns
    -------
    rates
        A row for each test set: test_set, eer_percent, threshold, n_real, n_fake, auc_percent,
        min_dcf, act_dcf, cllr, cllr_min (bits); of the validation set validation_eer_percent and
        validation_threshold, and at that threshold frr_at_validation_percent and
        far_at_validation_percent; pooled_eer_percent of all sets of the domain; and of calibrated
        scores cllr_calibrated, act_dcf_calibrated and beyond_calibration_percent, the share of them
        beyond those that were fitted. NaN where there is no validation set, or no domain.
    breakdown
        `sdd.analysis.breakdown.breakdown_rows` of all test sets.

    Raises
    ------
    InputError
        As `read_scored_set`.
    """
    sets = {
        path.stem: read_scored_set(
            path, table, score, skip_suffixes=skip_suffixes, least_trials=least_trials
        )
        for path, table in zip(paths, tables, strict=True)
    }
    valid = (math.nan, math.nan)
    if validation is not None:
        # Training has selected weights by it, however few of a class it has.
        held_out = read_scored_set(*validation, score, skip_suffixes=skip_suffixes, least_trials=1)
        valid = eer(*held_out.trials.by_class(held_out.trials.ranked))
    pooled = _pooled_rates(sets, domains)
    rates, breakdown = [], []
    for name, scored in sets.items():
        row = _rates(name, scored.trials, valid)
        row["pooled_eer_percent"] = 100 * pooled.get(name, math.nan)
        rates.append(row | _calibrated(calibration, scored.trials))
        breakdown += breakdown_rows(name, scored.trials, scored.segments, row["threshold"])
    return rates, breakdown


def _rates(name: str, trials: Trials, validation: tuple[float, float]) -> dict[str, Any]:
    """Return the row of a test set; `validation` is the EER of the validation set, and where."""
    found = evaluate(trials)
    validation_eer, threshold = validation
    frr, far = math.nan, math.nan
    if not math.isnan(threshold):
        frr, far = error_rates_at(threshold, trials)
    return {
        "test_set": name,
        "eer_percent": 100 * found.eer,
        "threshold": found.threshold,
        "n_real": found.n_real,
        "n_fake": found.n_fake,
        "auc_percent": 100 * found.auc,
        "min_dcf": found.min_dcf,
        "act_dcf": found.act_dcf,
        "cllr": found.cllr,
        "cllr_min": found.cllr_min,
        "validation_eer_percent": 100 * validation_eer,
        "validation_threshold": threshold,
        "frr_at_validation_percent": 100 * frr,
        "far_at_validation_percent": 100 * far,
    }


def _calibrated(calibration: Calibration | None, trials: Trials) -> dict[str, float]:
    if calibration is None:
        return dict.fromkeys(CALIBRATED, math.nan)
    worth = measure_worth(calibration, trials.real, trials.llrs)
    values = worth.cllr_calibrated, worth.act_dcf_calibrated, 100 * worth.beyond
    return dict(zip(CALIBRATED, values, strict=True))


def _pooled_rates(
    sets: Mapping[str, ScoredSet], domains: Sequence[Sequence[str]]
) -> dict[str, float]:
    """Return the EER of all trials of a domain under one threshold, for each of its sets."""
    rates: dict[str, float] = {}
    for domain in domains:
        parts = [sets[name].trials for name in domain]
        if parts:
            real = np.concatenate([part.real for part in parts])
            ranked = np.concatenate([part.ranked for part in parts])
            rates |= dict.fromkeys(domain, eer(ranked[real], ranked[~real])[0])
    return rates


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
