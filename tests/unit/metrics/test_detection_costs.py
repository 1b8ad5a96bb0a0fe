"""Detection costs by hand, at all thresholds one by one, and what leaves them as they are."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdd.errors import InputError
from sdd.metrics.detection_costs import ASVSPOOF5, CostModel, act_dcf, min_dcf
from sdd.metrics.operating_points import operating_points

# Few distinct values, so that classes tie within and across.
SCORES = st.lists(st.integers(-6, 6).map(float), min_size=1, max_size=30)


def least_cost(real, fake, costs):
    """Try every score, and one below all, as the threshold."""
    real, fake = np.array(real), np.array(fake)
    scores = [-math.inf, *real, *fake]
    return min(costs.cost((real <= t).mean(), (fake > t).mean()) for t in scores)


def test_weights_and_threshold_are_those_of_asvspoof5():
    """C_miss (1 - P) = 0.95, C_fa P = 0.5; accepting pays above -ln(0.95 / 0.5)."""
    assert ASVSPOOF5.weights == pytest.approx((0.95, 0.5))
    assert ASVSPOOF5.threshold == pytest.approx(-math.log(1.9))
    # Rejecting everything costs 0.95, accepting everything 0.5: what is divided by.
    assert ASVSPOOF5.cost(1, 0) == pytest.approx(1.9)
    assert ASVSPOOF5.cost(0, 1) == pytest.approx(1.0)


def test_by_hand():
    """Real 1 3 5 7, fake 0 2 4: thresholds below all, at 0, 2, 4 cost 1, 2/3, ..., by 0.5.

    t = 0: FRR 0, FAR 2/3: 0.667. t = 2: FRR 1/4, FAR 1/3: 0.475 + 0.333 = 0.808. t = 4: FRR 1/2,
    FAR 0: 0.95. So the least is 2/3. The threshold of theory, -0.64, accepts all: 1.
    """
    assert min_dcf([1, 3, 5, 7], [0, 2, 4]) == pytest.approx(2 / 3, rel=1e-12)
    assert act_dcf([1, 3, 5, 7], [0, 2, 4]) == 1.0
    # Shifted by 1 it lies between -1 and 0, where the least is.
    assert act_dcf([0, 2, 4, 6], [-1, 1, 3]) == pytest.approx(2 / 3, rel=1e-12)


def test_of_no_use_is_1_and_perfect_is_0():
    assert min_dcf([0, 0], [0, 0, 0]) == 1.0
    assert min_dcf([2, 3], [0, 1]) == 0.0
    assert min_dcf([0, 1], [2, 3]) == 1.0
    assert act_dcf([2, 3], [-2, -1]) == 0.0
    # All rejected: nearly twice what accepting all costs.
    assert act_dcf([-9, -8], [-9]) == pytest.approx(1.9)


def test_other_costs():
    """Equal costs and priors: twice the mean of FRR and FAR, at the threshold 0."""
    equal = CostModel(prior_fake=0.5, cost_miss=1.0, cost_false_alarm=1.0)
    assert equal.threshold == 0
    assert act_dcf([-1, 1, 2, 3], [-2, -1, 1, 2], equal) == pytest.approx(1 / 4 + 2 / 4)
    # At 1, which two are not above: FRR 2/4, FAR 1/4; at -1: FRR 1/4, FAR 2/4.
    assert min_dcf([-1, 1, 2, 3], [-2, -1, 1, 2], equal) == pytest.approx(3 / 4)


@given(SCORES, SCORES, st.floats(0.01, 0.99))
def test_least_of_all_thresholds(real, fake, prior):
    costs = CostModel(prior_fake=prior)
    assert min_dcf(real, fake, costs) == pytest.approx(least_cost(real, fake, costs), rel=1e-12)
    assert min_dcf(real, fake, costs) <= act_dcf(real, fake, costs) + 1e-12
    assert 0 <= min_dcf(real, fake, costs) <= 1


@given(SCORES, SCORES)
def test_a_rising_function_changes_only_the_actual_cost(real, fake):
    def bent(scores):
        return np.exp(np.array(scores)) - 40

    assert min_dcf(bent(real), bent(fake)) == min_dcf(real, fake)


def test_the_actual_cost_depends_on_the_scale():
    real, fake = [0.1, 0.2, 5.0], [-0.1, 0.05, -5.0]
    assert act_dcf(np.multiply(real, 20), np.multiply(fake, 20)) < act_dcf(real, fake)


def test_points_are_at_fake_trials():
    """Two fakes tie at 2, and with a real trial there."""
    rejected_real, rejected_fake = operating_points([1, 2, 3], [2, 0, 2, 5])
    assert rejected_fake.tolist() == [0, 1, 3, 4]
    assert rejected_real.tolist() == [0, 0, 2, 3]


@pytest.mark.parametrize("measure", [min_dcf, act_dcf])
def test_scores_that_cannot_be_used(measure):
    with pytest.raises(InputError, match="no scores of fake trials"):
        measure([1.0], [])
    with pytest.raises(InputError, match="1 of 2 real scores are not finite"):
        measure([1.0, math.nan], [0.0])
