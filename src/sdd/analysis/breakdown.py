"""Error rates of parts of a test set: by attack, and by speaker, where they are known."""

import math
from typing import Any, Literal

import numpy as np

from sdd.analysis.evaluation import Trials, error_rates_at
from sdd.data.segments import Segments
from sdd.metrics.error_rates import eer
from sdd.scoring.score_tables import LEAST_TRIALS

By = Literal["attack", "speaker"]

BREAKDOWN_COLUMNS = (
    *("test_set", "by", "group", "n_real", "n_fake"),
    *("eer_percent", "frr_percent", "far_percent"),
)
_UNKNOWN = ("", "-")


def breakdown_rows(
    test_set: str, trials: Trials, segments: Segments, threshold: float
) -> list[dict[str, Any]]:
    """Measure the error rates of each attack and each speaker of a test set.

    An attack is measured with all real trials of the set; a speaker with their own trials.

    Parameters
    ----------
    segments
        The segments of the trials, in the same order.
    threshold
        At which errors are counted: where the whole set has its EER.

    Returns
    -------
    list of dict
        `BREAKDOWN_COLUMNS`; rates in percent, NaN for a class without trials, and an EER also where
        a class has fewer than `LEAST_TRIALS`. None of what has one group alone, or none.
    """
    rows = []
    kinds: tuple[tuple[By, list[str]], ...] = (
        ("attack", segments.attack),
        ("speaker", segments.speaker),
    )
    for by, names in kinds:
        column = np.array(names, dtype=object)
        known = ~np.isin(column, _UNKNOWN)
        # An attack is one of fakes, whatever the protocol says of real recordings.
        known &= ~trials.real if by == "attack" else True
        groups = sorted(set(column[known].tolist()))
        if len(groups) < 2:
            continue
        for group in groups:
            members = (column == group) & known
            members |= trials.real if by == "attack" else False
            part = Trials(trials.real[members], trials.ranked[members], trials.llrs[members])
            row = {"test_set": test_set, "by": by, "group": group}
            rows.append(row | _rates(part, threshold))
    return rows


def _rates(part: Trials, threshold: float) -> dict[str, float]:
    real, fake = part.by_class(part.ranked)
    enough = min(len(real), len(fake)) >= LEAST_TRIALS
    rate = eer(real, fake)[0] if enough else math.nan
    frr, far = error_rates_at(threshold, part)
    return {
        "n_real": len(real),
        "n_fake": len(fake),
        "eer_percent": 100 * rate,
        "frr_percent": 100 * frr,
        "far_percent": 100 * far,
    }
