"""All measures of the scores of one set of trials, for cells and for score files alike."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdd.metrics.calibration import cllr, cllr_min
from sdd.metrics.decisions import f1_and_accuracy
from sdd.metrics.detection_costs import act_dcf, min_dcf
from sdd.metrics.error_rates import area_under_curve, eer

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Trials:
    """What a detector says of N trials.

    Attributes
    ----------
    real
        ``bool [N]``.
    ranked
        ``float [N]``: what error rates rank (`sdd.scoring.score_tables.ranked_scores`).
    llrs
        ``float64 [N]``: what is taken for natural-log likelihood ratios.
    """

    real: NDArray[np.bool_]
    ranked: NDArray[np.floating]
    llrs: FloatArray

    def by_class(self, values: NDArray[np.floating]) -> tuple[FloatArray, FloatArray]:
        """Return the values of the real and of the fake trials."""
        double = values.astype(np.float64)
        return double[self.real], double[~self.real]


@dataclass(frozen=True)
class Evaluation:
    """The measures of a set of trials; rates are fractions, Cllr is in bits.

    Attributes
    ----------
    f1, accuracy
        At the threshold of the EER; real trials are the positive ones.
    """

    eer: float
    threshold: float
    auc: float
    min_dcf: float
    act_dcf: float
    cllr: float
    cllr_min: float
    n_real: int
    n_fake: int
    f1: float
    accuracy: float


def evaluate(trials: Trials) -> Evaluation:
    """Measure a detector on a set of trials.

    EER and AUC are those of what is ranked. minDCF and Cllr_min, the least that any calibration
    reaches, are of the same likelihood ratios as actDCF and Cllr: the difference is calibration.
    """
    real, fake = trials.by_class(trials.ranked)
    llrs = trials.by_class(trials.llrs)
    rate, threshold = eer(real, fake)
    f1, accuracy = f1_and_accuracy(real, fake, threshold)
    return Evaluation(
        eer=rate,
        threshold=threshold,
        auc=area_under_curve(real, fake),
        min_dcf=min_dcf(*llrs),
        act_dcf=act_dcf(*llrs),
        cllr=cllr(*llrs),
        cllr_min=cllr_min(*llrs),
        n_real=len(real),
        n_fake=len(fake),
        f1=f1,
        accuracy=accuracy,
    )


def error_rates_at(threshold: float, trials: Trials) -> tuple[float, float]:
    """Return the share of real trials rejected (FRR) and of fake ones accepted (FAR).

    Returns
    -------
    frr, far
        Fractions; NaN for a class without trials.
    """
    real, fake = trials.by_class(trials.ranked)
    return _share(real <= threshold), _share(fake > threshold)


def _share(errors: NDArray[np.bool_]) -> float:
    return float(errors.mean()) if errors.size else float("nan")
