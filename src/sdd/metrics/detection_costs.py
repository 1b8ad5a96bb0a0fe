"""What the errors of a detector cost: at the best threshold, and at the one that theory names.

The detection cost function (DCF) of a threshold t weighs both kinds of errors [1]_,

    DCF(t) = C_miss (1 - P_fake) FRR(t) + C_fa P_fake FAR(t)

where P_fake is how often a fake is to be expected. It is divided by the cost of the better of the
two decisions that need no detector, accepting and rejecting everything, min(C_miss (1 - P_fake),
C_fa P_fake): 1 is a detector that is of no use.

References
----------
.. [1] X. Wang et al., "ASVspoof 5: Crowdsourced Speech Data, Deepfakes, and Adversarial Attacks at
   Scale", ASVspoof Workshop 2024: its evaluation plan, track 1.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sdd.metrics.error_rates import class_scores
from sdd.metrics.operating_points import operating_points


@dataclass(frozen=True)
class CostModel:
    """How often fakes are to be expected, and what either error costs; by default ASVspoof 5's.

    Attributes
    ----------
    prior_fake
        P_fake, a fraction.
    cost_miss
        C_miss, of a real trial that is rejected.
    cost_false_alarm
        C_fa, of a fake trial that is accepted.
    """

    prior_fake: float = 0.05
    cost_miss: float = 1.0
    cost_false_alarm: float = 10.0

    @property
    def weights(self) -> tuple[float, float]:
        """What FRR and FAR are multiplied by: the costs of rejecting and of accepting all."""
        return self.cost_miss * (1 - self.prior_fake), self.cost_false_alarm * self.prior_fake

    @property
    def threshold(self) -> float:
        """The log-likelihood ratio above which accepting costs less than rejecting, in nats."""
        miss, false_alarm = self.weights
        return -math.log(miss / false_alarm)

    def cost(self, frr: float, far: float) -> float:
        """Return the normalised cost of a false rejection and a false acceptance rate."""
        miss, false_alarm = self.weights
        return (miss * frr + false_alarm * far) / min(miss, false_alarm)


ASVSPOOF5 = CostModel()


def min_dcf(real_scores: ArrayLike, fake_scores: ArrayLike, costs: CostModel = ASVSPOOF5) -> float:
    """Compute the least detection cost over all thresholds (minDCF).

    Only the order of scores matters: a rising function of them leaves it as it is.

    Parameters
    ----------
    real_scores, fake_scores
        ``float [n_real]`` and ``float [n_fake]``: any unit; higher means more likely real.

    Returns
    -------
    float
        0 (no errors) to 1 (of no use).

    Raises
    ------
    InputError
        If a class has no scores, or a score is not finite.
    """
    rejected_real, rejected_fake = operating_points(real_scores, fake_scores)
    miss, false_alarm = costs.weights
    n_real, n_fake = np.size(real_scores), np.size(fake_scores)
    weighed = miss * (rejected_real / n_real) + false_alarm * (1 - rejected_fake / n_fake)
    return float(weighed.min()) / min(miss, false_alarm)


def act_dcf(real_llrs: ArrayLike, fake_llrs: ArrayLike, costs: CostModel = ASVSPOOF5) -> float:
    """Compute the detection cost at the threshold that is right for likelihood ratios (actDCF).

    Parameters
    ----------
    real_llrs, fake_llrs
        ``float [n_real]`` and ``float [n_fake]``: natural logarithms of P(trial | real) /
        P(trial | fake).

    Returns
    -------
    float
        At least `min_dcf` of the same; above 1 where deciding without a detector costs less.

    Raises
    ------
    InputError
        If a class has no scores, or a score is not finite.
    """
    real, fake = class_scores(real_llrs, "real"), class_scores(fake_llrs, "fake")
    frr = np.count_nonzero(real <= costs.threshold) / real.size
    far = np.count_nonzero(fake > costs.threshold) / fake.size
    return costs.cost(frr, far)
