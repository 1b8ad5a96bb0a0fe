"""KL of two labels against hand computation, enumeration and bounds."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import rel_entr, softmax

from sdd.errors import InputError
from sdd.metrics.label_divergence import label_divergence

LOGITS = st.lists(st.tuples(*[st.floats(-30, 30)] * 2), min_size=3, max_size=3)


def test_by_hand():
    # p = (1/2, 1/2), q = (1/4, 3/4): 1/2 ln 2 + 1/2 ln(2/3) = 1/2 ln(4/3).
    assert label_divergence([[0, 0]], [[0, math.log(3)]])[0] == pytest.approx(math.log(4 / 3) / 2)
    # The other way round: 1/4 ln(1/2) + 3/4 ln(3/2), another number.
    expected = math.log(1 / 2) / 4 + 3 * math.log(3 / 2) / 4
    assert label_divergence([[0, math.log(3)]], [[0, 0]])[0] == pytest.approx(expected)


@given(LOGITS, LOGITS)
def test_is_that_of_the_softmax_and_never_negative(p, q):
    found = label_divergence(p, q)
    expected = rel_entr(softmax(p, axis=1), softmax(q, axis=1)).sum(axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    assert (found >= 0).all()
    assert (label_divergence(p, p) == 0).all()
    np.testing.assert_allclose(label_divergence(np.add(p, 5), q), found, rtol=1e-6, atol=1e-9)


def test_large_logits_stay_finite():
    # p is sure of one label, q as sure of the other: the difference of the logits.
    assert label_divergence([[1000, 0]], [[0, 1000]])[0] == pytest.approx(1000)


@pytest.mark.parametrize(
    ("p", "q", "words"),
    [
        ([[0, 1]], [[0, 1], [1, 0]], "of 1 and of 2 utterances"),
        ([[0, 1, 2]], [[0, 1, 2]], r"shape \(1, 3\)"),
        ([[0, 1], [math.nan, 0]], [[0, 1], [1, 0]], "utterance 2 is not finite"),
    ],
)
def test_what_cannot_be_compared_is_refused(p, q, words):
    with pytest.raises(InputError, match=words):
        label_divergence(p, q)
