"""Cllr by hand, Cllr_min beside another implementation, and what leaves them as they are."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdd.errors import InputError
from sdd.metrics import calibration
from sdd.metrics.calibration import calibration_bins, cllr, cllr_min

SCORES = st.lists(st.integers(-6, 6).map(float), min_size=1, max_size=40)


def pooled(real, fake):
    """Pool adjacent violators as textbooks have it: bins of (real, fake) by rising share of real.

    Bins of one share are pooled, too, so that the division is unique.
    """
    bins = []
    for score in sorted({*real, *fake}):
        bins.append([real.count(score), fake.count(score)])
        while len(bins) > 1 and bins[-2][0] * sum(bins[-1]) >= bins[-1][0] * sum(bins[-2]):
            last = bins.pop()
            bins[-1] = [bins[-1][0] + last[0], bins[-1][1] + last[1]]
    return bins


def calibrated(real, fake):
    """Cllr of the likelihood ratios of the bins, trial by trial."""
    total = 0.0
    for in_real, in_fake in pooled(real, fake):
        if in_real:
            ratio = in_real / len(real) / (in_fake / len(fake)) if in_fake else math.inf
            total += in_real / len(real) * math.log2(1 + 1 / ratio)
        if in_fake:
            ratio = in_real / len(real) / (in_fake / len(fake))
            total += in_fake / len(fake) * math.log2(1 + ratio)
    return total / 2


def test_by_hand():
    """Real at LR 3 and 1, fake at LR 1/7: (log2(4/3) + log2(2)) / 2 and log2(8/7)."""
    expected = ((math.log2(4 / 3) + 1) / 2 + math.log2(8 / 7)) / 2
    assert cllr([math.log(3), 0], [-math.log(7)]) == pytest.approx(expected, rel=1e-12)


def test_of_no_use_is_1_and_confident_errors_cost_without_limit():
    assert cllr([0, 0], [0]) == 1.0
    assert cllr_min([0, 0], [0]) == 1.0
    assert cllr_min([0, 1], [2, 3]) == 1.0
    # A thousand nats the wrong way: 1000 / ln 2 bits, and no overflow.
    assert cllr([-1000], [1000]) == pytest.approx(1000 / math.log(2))
    assert cllr([1000], [-1000]) == 0.0


def test_least_by_hand():
    """Real 1 3, fake 0 2: bins {fake 0}, {real 1, fake 2}, {real 3}.

    Ratio of the middle bin (1/2) / (1/2) = 1: a bit for each trial in it, half of each class.
    """
    real, fake = calibration_bins([1, 3], [0, 2])
    assert (real.tolist(), fake.tolist()) == ([0, 1, 1], [1, 1, 0])
    assert cllr_min([1, 3], [0, 2]) == pytest.approx(0.5)


def test_classes_apart_can_be_calibrated_perfectly():
    assert cllr_min([2, 3], [0, 1]) == 0.0
    assert cllr([2, 3], [0, 1]) > 0.3


@given(SCORES, SCORES)
def test_bins_are_those_of_the_textbook(real, fake):
    bins = np.column_stack(calibration_bins(real, fake)).tolist()
    assert bins == pooled(real, fake)
    assert cllr_min(real, fake) == pytest.approx(calibrated(real, fake), abs=1e-12)


@given(SCORES, SCORES)
def test_no_calibration_is_better(real, fake):
    least = cllr_min(real, fake)
    assert 0 <= least <= 1
    for scale, shift in ((1.0, 0.0), (0.3, 0.5), (3.0, -1.0)):
        moved = [scale * np.array(scores) + shift for scores in (real, fake)]
        assert least <= cllr(*moved) + 1e-12
        assert cllr_min(*moved) == least


def test_a_rising_function_changes_cllr_and_not_its_least():
    generator = np.random.default_rng(0)
    real, fake = generator.normal(1, 1, 400), generator.normal(-1, 1, 300)
    bent = np.arctan(real), np.arctan(fake)
    assert cllr_min(*bent) == cllr_min(real, fake)
    assert cllr(*bent) != pytest.approx(cllr(real, fake), rel=0.05)


def test_true_likelihood_ratios_are_calibrated():
    """Unit normals at 1 and -1: the ratio is e^2x; Cllr is near its least, doubled it is not."""
    generator = np.random.default_rng(1)
    real, fake = generator.normal(1, 1, 100_000), generator.normal(-1, 1, 100_000)
    least = cllr_min(real, fake)
    assert cllr(2 * real, 2 * fake) == pytest.approx(least, abs=0.002)
    assert cllr(4 * real, 4 * fake) > least + 0.05


@pytest.mark.parametrize("worth", [0.0, 1.0])
def test_passes_and_scan_find_the_same_hull(worth, monkeypatch):
    """Whether all is left to the scan after one pass, or none."""
    generator = np.random.default_rng(2)
    scores = generator.normal(0.5, 1, 3000), generator.normal(0, 1, 2000)
    expected = np.column_stack(calibration_bins(*scores)).tolist()
    monkeypatch.setattr(calibration, "_WORTH_A_PASS", worth)
    assert np.column_stack(calibration_bins(*scores)).tolist() == expected
    assert expected == pooled(*(values.tolist() for values in scores))


def test_scores_that_cannot_be_used():
    for measure in (cllr, cllr_min):
        with pytest.raises(InputError, match="no scores of real trials"):
            measure([], [1.0])
        with pytest.raises(InputError, match="1 of 1 fake scores are not finite"):
            measure([1.0], [math.inf])
