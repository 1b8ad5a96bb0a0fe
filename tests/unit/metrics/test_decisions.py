"""F1 and accuracy by hand, and beside counts of the definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdd.errors import InputError
from sdd.metrics.decisions import f1_and_accuracy
from sdd.metrics.error_rates import eer


def test_by_hand():
    """At 2 the real trials 2 and 3 and the fake trial 2 are taken for real, 1 is not.

    TP 2, FN 1, FP 1, TN 2: F1 = 4 / (4 + 1 + 1), accuracy = 4 / 6.
    """
    f1, accuracy = f1_and_accuracy([1, 2, 3], [0, 1, 2], 2)
    assert f1 == pytest.approx(2 / 3, abs=1e-15)
    assert accuracy == pytest.approx(2 / 3, abs=1e-15)


def test_at_the_threshold_of_the_eer():
    """Real 1 3 5 7, fake 0 2 4: the EER's threshold is 2, where that fake is taken for real.

    TP 3, FN 1, FP 2, TN 1.
    """
    _, threshold = eer([1, 3, 5, 7], [0, 2, 4])
    assert threshold == 2
    assert f1_and_accuracy([1, 3, 5, 7], [0, 2, 4], threshold) == pytest.approx((6 / 9, 4 / 7))


def test_ends():
    assert f1_and_accuracy([1], [0], 0.5) == (1, 1)
    assert f1_and_accuracy([0], [1], 0.5) == (0, 0)
    # All is accepted: every real trial is found, and half of the decisions are right.
    assert f1_and_accuracy([0, 1], [0, 1], -1) == pytest.approx((2 / 3, 0.5))


scores = st.lists(st.integers(-5, 5), min_size=1, max_size=30)


@given(scores, scores, st.integers(-6, 6))
def test_beside_precision_and_recall(real, fake, threshold):
    taken = [score >= threshold for score in [*real, *fake]]
    truth = [True] * len(real) + [False] * len(fake)
    right = sum(a and b for a, b in zip(taken, truth, strict=True))
    precision, recall = right / max(sum(taken), 1), right / len(real)
    expected = 2 * precision * recall / (precision + recall) if right else 0
    f1, accuracy = f1_and_accuracy(real, fake, threshold)
    assert f1 == pytest.approx(expected)
    assert accuracy == pytest.approx(np.mean(np.array(taken) == np.array(truth)))


def test_a_class_is_needed():
    with pytest.raises(InputError, match="no scores of fake trials"):
        f1_and_accuracy([1], [], 0)
