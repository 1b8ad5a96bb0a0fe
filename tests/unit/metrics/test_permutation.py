"""Two detectors on the same trials: errors by source, permutation test, Holm's correction."""

import math
from itertools import product

import numpy as np
import pytest

from sdd.errors import InputError
from sdd.metrics import errors_by_source, holm, permutation_test
from sdd.metrics.error_rates import eer


def test_errors_of_sources_add_up_to_the_eer():
    generator = np.random.default_rng(2)
    for ties in (0.0, 0.5):
        scores = np.concatenate([generator.normal(1, 1, 60), generator.normal(-1, 1, 90)])
        if ties:
            scores = np.round(scores / ties) * ties
        real = np.arange(150) < 60
        sources = generator.integers(0, 9, 150)
        errors = errors_by_source(scores, real, sources, 9)
        assert errors.sum() == pytest.approx(eer(scores[real], scores[~real])[0], abs=1e-12)
        one = errors_by_source(scores, real, np.zeros(150, dtype=int), 2)
        assert one == pytest.approx([errors.sum(), 0])


def test_permutation_p_is_the_share_of_all_exchanges():
    """Ten sources: all 1024 sign patterns can be written out."""
    differences = np.random.default_rng(5).normal(0.4, 1, 10)
    signs = np.array(list(product([1, -1], repeat=10)))
    exact = (np.abs(signs @ differences) >= abs(differences.sum()) - 1e-12).mean()
    assert permutation_test(differences, 40_000) == pytest.approx(exact, abs=0.01)


def test_permutation_test_keeps_its_level():
    """Detectors of equal EER on another scale, dependent trials: 5 % of p lie below 0.05."""
    generator = np.random.default_rng(3)
    source = np.repeat(np.arange(120), 8)
    real = source < 60
    low = 0
    for number in range(400):
        shared = np.where(real, 1, -1) + 0.7 * generator.normal(size=120)[source]
        one, other = (
            shared + 0.5 * generator.normal(size=120)[source] + 0.5 * generator.normal(size=960)
            for _ in "ab"
        )
        difference = errors_by_source(one, real, source, 120)
        difference -= errors_by_source(3 * other + 5, real, source, 120)
        low += permutation_test(difference, 400, seed=number) < 0.05
    assert 0.025 <= low / 400 <= 0.08


def test_permutation_test_finds_a_difference():
    differences = np.full(30, 0.01)
    assert permutation_test(differences, 2000) == pytest.approx(1 / 2001)
    assert permutation_test(np.zeros(30), 500) == 1
    with pytest.raises(InputError, match="one finite number a source"):
        permutation_test([])


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    corrected = holm([0.02, math.nan, 0.9, 0.04])
    assert corrected[[0, 2, 3]] == pytest.approx([0.06, 0.9, 0.08])
    assert math.isnan(corrected[1])
    assert holm([0.6, 0.7]).max() == 1
