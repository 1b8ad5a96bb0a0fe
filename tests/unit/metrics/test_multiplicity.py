"""Many tests at once: Holm's correction, and whether several effects are there."""

import math

import numpy as np
import pytest

from sdd.metrics import holm, partial_conjunction


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    corrected = holm([0.02, math.nan, 0.9, 0.04])
    assert corrected[[0, 2, 3]] == pytest.approx([0.06, 0.9, 0.08])
    assert math.isnan(corrected[1])
    assert holm([0.6, 0.7]).max() == 1


def test_partial_conjunction_by_hand():
    """All of them: the largest. Three of four: twice the third. Any: Bonferroni."""
    p = [0.03, 0.001, 0.9, 0.02]
    assert partial_conjunction(p, 4) == 0.9
    assert partial_conjunction(p, 3) == pytest.approx(0.06)
    assert partial_conjunction(p, 1) == pytest.approx(0.004)
    assert partial_conjunction([0.9, 0.8], 1) == 1


def test_partial_conjunction_keeps_its_level():
    """Two of four effects are there, for sure; that three are is said in at most 5 %."""
    p = np.random.default_rng(0).random((4000, 4))
    p[:, :2] = 0
    said = np.mean([partial_conjunction(row, 3) < 0.05 for row in p])
    assert 0.03 < said < 0.06
