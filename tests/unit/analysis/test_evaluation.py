"""All measures of a set of trials, beside the functions that they come from."""

import math

import numpy as np
import pytest

from sdd.analysis.evaluation import Trials, error_rates_at, evaluate
from sdd.scoring.calibrations import log_likelihood_ratios


def test_each_measure_takes_what_it_should():
    """By the logit of REAL all is well; by the likelihood ratio the second fake is above all."""
    logits = np.float32([[0, 2], [0, 3], [0, 1], [-9, 1.5]])
    trials = Trials(np.array([True, True, False, False]), logits[:, 1],
                    log_likelihood_ratios(logits))  # fmt: skip
    assert trials.llrs.dtype == np.float64
    assert trials.llrs.tolist() == [2, 3, 1, 10.5]
    found = evaluate(trials)
    assert (found.eer, found.threshold, found.auc) == (0, 1.5, 1)
    assert (found.n_real, found.n_fake) == (2, 2)
    # Ratios: both fakes above the threshold of theory; at best one of two is rejected.
    assert found.act_dcf == 1
    assert found.min_dcf == pytest.approx(0.5)
    bits = (math.log2(1 + math.exp(-2)) + math.log2(1 + math.exp(-3))) / 2
    bits += (math.log2(1 + math.exp(1)) + math.log2(1 + math.exp(10.5))) / 2
    assert found.cllr == pytest.approx(bits / 2)
    # Bins: the fake at 1 alone, then two real and one fake of ratio 2.
    assert found.cllr_min == pytest.approx((math.log2(1.5) + 0.5 * math.log2(3)) / 2)


def test_errors_at_a_threshold():
    trials = Trials(np.array([True, True, True, False]), np.array([1.0, 2, 3, 2]), np.zeros(4))
    assert error_rates_at(2.0, trials) == (pytest.approx(2 / 3), 0.0)
    assert error_rates_at(1.9, trials) == (pytest.approx(1 / 3), 1.0)
    real_only = Trials(np.array([True]), np.array([1.0]), np.zeros(1))
    frr, far = error_rates_at(2.0, real_only)
    assert frr == 1
    assert math.isnan(far)
