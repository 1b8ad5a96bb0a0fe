"""What a calibration is worth: on the trials that it was fitted on, and on others."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sdd.errors import one_line
from sdd.metrics.calibration import cllr, cllr_min
from sdd.metrics.detection_costs import act_dcf
from sdd.scoring.calibrations import Calibration, calibrated_ratios, mapped_values
from sdd.scoring.score_files import SingleScores, read_labelled_scores
from sdd.scoring.score_tables import Scores, check_classes
from sdd.scoring.trial_keys import TrialKey
from sdd.scoring.trial_matching import Matching, pair_keys

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Worth:
    """Costs of a set of trials before and after calibration; Cllr in bits.

    Attributes
    ----------
    beyond
        Share of trials whose score lies beyond those that the calibration was fitted on.
    """

    cllr: float
    cllr_calibrated: float
    cllr_min: float
    act_dcf: float
    act_dcf_calibrated: float
    beyond: float


@dataclass(frozen=True)
class CalibratedFile:
    """A score file, its ratios before and after calibration, and what that is worth."""

    path: Path
    fitted: bool
    real: NDArray[np.bool_]
    before: FloatArray
    after: FloatArray
    worth: Worth


def measure_worth(calibration: Calibration, real: NDArray[np.bool_], values: FloatArray) -> Worth:
    """Measure what a calibration makes of trials.

    Parameters
    ----------
    real
        ``bool [N]``.
    values
        ``float64 [N]``: what it maps, taken for log-likelihood ratios as it is.
    """
    after = calibration.ratios(values)
    return Worth(
        cllr=cllr(values[real], values[~real]),
        cllr_calibrated=cllr(after[real], after[~real]),
        cllr_min=cllr_min(values[real], values[~real]),
        act_dcf=act_dcf(values[real], values[~real]),
        act_dcf_calibrated=act_dcf(after[real], after[~real]),
        beyond=float(calibration.beyond(values).mean()),
    )


def read_scored(
    paths: Sequence[Path], keys: Sequence[TrialKey], matching: Matching
) -> list[tuple[Path, Scores | SingleScores]]:
    """Read score files with enough trials of both classes.

    Raises
    ------
    InputError
        As `read_labelled_scores`, or if there are too few of a class: the file.
    """
    parts = []
    for path, key in zip(paths, pair_keys(len(paths), keys), strict=True):
        scores = read_labelled_scores(path, key, matching)
        check_classes(path, scores.real)
        parts.append((path, scores))
    return parts


def try_calibration(
    calibration: Calibration, parts: Sequence[tuple[Path, Scores | SingleScores]], fitted: bool
) -> list[CalibratedFile]:
    """Apply a calibration to score files, those that it was fitted on or others.

    Raises
    ------
    InputError
        If one has scores of another kind.
    """
    tried = []
    for path, scores in parts:
        after = calibrated_ratios(calibration, path, scores)
        before = mapped_values(scores)[1]
        worth = measure_worth(calibration, scores.real, before)
        tried.append(CalibratedFile(path, fitted, scores.real, before, after, worth))
    return tried


def worth_as_table(calibration: Calibration, files: Sequence[CalibratedFile]) -> str:
    """Return a line for each file, below the map and a header."""
    lines = [
        f"log LR = {calibration.scale:.6g} x score {calibration.offset:+.6g} "
        f"({calibration.n_real} real, {calibration.n_fake} fake, prior of fake "
        f"{calibration.prior_fake:g})",
        f"{'Cllr':>8} {'calibrated':>10} {'Cllr_min':>8} {'actDCF':>8} {'calibrated':>10} "
        f"{'beyond %':>8}  file",
    ]
    for file in files:
        w, role = file.worth, "fitted on" if file.fitted else "tried on"
        lines.append(
            f"{w.cllr:8.4f} {w.cllr_calibrated:10.4f} {w.cllr_min:8.4f} {w.act_dcf:8.4f} "
            f"{w.act_dcf_calibrated:10.4f} {100 * w.beyond:8.2f}  {role} {one_line(str(file.path))}"
        )
    return "\n".join(lines) + "\n"
