"""Error rates against hand computation, a brute-force search and invariances."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdd.errors import InputError
from sdd.metrics.error_rates import area_under_curve, detection_error_tradeoff, eer, selection_der

# (real, fake, EER, threshold): computed by hand. A trial is accepted above the threshold; of two
# thresholds that are equally good, the lower one counts, and |FRR - FAR| may stay above zero.
WITHOUT_TIES = [
    # Separated: everything up to 2 is rejected.
    ([3, 4], [1, 2], 0.0, 2),
    # One trial each, in the wrong order: rejecting both up to 1 leaves FRR 1, FAR 1.
    ([1], [2], 1.0, 1),
    ([2], [1], 0.0, 1),
    # t = 2: FRR 1/2, FAR 1/2.
    ([2, 4], [1, 3], 1 / 2, 2),
    # t = 3: FRR 1/4 (2 is rejected), FAR 1/4 (5 is accepted).
    ([2, 6, 7, 8], [0, 1, 3, 5], 1 / 4, 3),
    # All the wrong way round: at t = 2, FRR 1, FAR 1.
    ([1, 2], [3, 4], 1.0, 2),
    # Two real, three fake: t = 2: FRR 0, FAR 1/3 (d = -1/3); t = 3: FRR 1/2, FAR 1/3 (d = 1/6).
    ([3, 5], [1, 2, 4], 5 / 12, 3),
    # Three real, two fake: t = 2: FRR 1/3, FAR 1/2 (d = -1/6); t = 4: FRR 1/3, FAR 0 (d = 1/3).
    ([2, 5, 6], [1, 4], 5 / 12, 2),
    # Four against one: t = 2: FRR 1/2, FAR 1; t = 2.5: FRR 1/2, FAR 0: equally good, the lower one.
    ([1, 2, 3, 4], [2.5], 3 / 4, 2),
    # One against four: t = 2: FRR 0, FAR 1/2; t = 2.5: FRR 1, FAR 1/2: likewise.
    ([2.5], [1, 2, 3, 4], 1 / 4, 2),
    # Negative scores, five against five: t = -1: FRR 1/5 (-4), FAR 1/5 (3).
    ([-4, 1, 2, 4, 5], [-6, -5, -3, -1, 3], 1 / 5, -1),
    # Ten against ten, one of each on the wrong side: FRR 1/10, FAR 1/10 at 10.
    ([3, 11, 12, 13, 14, 15, 16, 17, 18, 19], [1, 2, 4, 5, 6, 7, 8, 9, 10, 20], 1 / 10, 10),
]
WITH_TIES = [
    # Nothing can be told apart: accept all (FRR 0, FAR 1) or none (1, 0). The released code: 100 %.
    ([0, 0], [0, 0], 1 / 2, np.nextafter(0, -1)),
    ([5], [5], 1 / 2, np.nextafter(5, 4)),
    # t = 1: FRR 0, FAR 1/2; t = 2: FRR 1/2, FAR 0: equally good, the lower one.
    ([2, 3], [1, 2], 1 / 4, 1),
    # t = 1: FRR 1/3, FAR 1/3.
    ([1, 2, 2], [1, 1, 2], 1 / 3, 1),
    # t = 1: FRR 0, FAR 2/3; t = 2: FRR 1/2, FAR 0 (d = 1/2 beats 2/3).
    ([2, 3], [1, 2, 2], 1 / 4, 2),
    # Equal scores within one class change nothing.
    ([3, 3, 4], [1, 1, 2], 0.0, 2),
]


@pytest.mark.parametrize(("real", "fake", "rate", "threshold"), WITHOUT_TIES + WITH_TIES)
def test_eer_by_hand(real, fake, rate, threshold):
    assert eer(real, fake) == (pytest.approx(rate, abs=1e-15), threshold)


def asvspoof_eer(real, fake):
    """The definition as the evaluation package puts it: one threshold a trial, ties not merged."""
    labels = np.concatenate([np.ones(len(real)), np.zeros(len(fake))])
    scores = np.concatenate([real, fake])
    order = np.argsort(scores, kind="stable")
    rejected_real = np.cumsum(labels[order])
    rejected_fake = np.arange(1, len(scores) + 1) - rejected_real
    frr = np.concatenate([[0], rejected_real / len(real)])
    far = np.concatenate([[1], (len(fake) - rejected_fake) / len(fake)])
    best = np.argmin(np.abs(frr - far))
    return (frr[best] + far[best]) / 2


def test_equals_the_asvspoof_definition_without_ties():
    generator = np.random.default_rng(0)
    for n_real, n_fake in [(1, 1), (17, 40), (113, 101), (1000, 331)]:
        real, fake = generator.normal(1, 1, n_real), generator.normal(-0.3, 2, n_fake)
        assert eer(real, fake)[0] == pytest.approx(asvspoof_eer(real, fake), abs=1e-12)


def test_released_code_differs_only_with_ties():
    assert asvspoof_eer([0.0] * 3, [0.0] * 3) == 1
    assert eer([0.0] * 3, [0.0] * 3)[0] == 0.5


few_scores = st.lists(st.integers(-6, 6), min_size=1, max_size=12)


@given(few_scores, few_scores)
def test_eer_equals_brute_force(real, fake):
    real, fake = np.array(real, float), np.array(fake, float)
    lowest = min(real.min(), fake.min()) - 1
    rates = []
    for threshold in [lowest, *np.unique(np.concatenate([real, fake]))]:
        frr, far = (real <= threshold).mean(), (fake > threshold).mean()
        # Rounded, so that float noise does not decide between equally good thresholds.
        rates.append((round(abs(frr - far), 12), threshold, (frr + far) / 2))
    _, threshold, rate = min(rates)
    measured, measured_threshold = eer(real, fake)
    assert measured == pytest.approx(rate, abs=1e-12)
    assert measured_threshold == (
        threshold if threshold > lowest else np.nextafter(lowest + 1, -np.inf)
    )


@given(few_scores, few_scores, st.randoms(use_true_random=False))
def test_order_of_the_trials_does_not_matter(real, fake, random):
    shuffled_real, shuffled_fake = list(real), list(fake)
    random.shuffle(shuffled_real)
    random.shuffle(shuffled_fake)
    assert eer(real, fake) == eer(shuffled_real, shuffled_fake)


@given(few_scores, few_scores)
def test_monotone_maps_do_not_matter(real, fake):
    def mapped(scores):
        return np.arctan(np.array(scores) / 3) * 1e-3 + 7

    assert eer(mapped(real), mapped(fake))[0] == eer(real, fake)[0]


@given(few_scores, few_scores)
def test_swapping_the_classes_and_the_sign_keeps_the_rate_up_to_equally_good_thresholds(real, fake):
    def gap(real, fake):
        frr, far, _ = detection_error_tradeoff(real, fake)
        return np.abs(frr - far).min()

    assert gap(real, fake) == pytest.approx(gap([-s for s in fake], [-s for s in real]))


@settings(max_examples=50)
@given(few_scores, few_scores)
def test_curve_and_rate_agree(real, fake):
    frr, far, thresholds = detection_error_tradeoff(real, fake)
    assert (frr[0], far[0], frr[-1], far[-1]) == (0, 1, 1, 0)
    assert (np.diff(frr) >= 0).all()
    assert (np.diff(far) <= 0).all()
    assert (np.diff(thresholds) > 0).all()
    rate, threshold = eer(real, fake)
    index = int(np.searchsorted(thresholds, threshold))
    assert thresholds[index] == threshold
    assert rate == pytest.approx((frr[index] + far[index]) / 2)


def test_curve_by_hand():
    frr, far, thresholds = detection_error_tradeoff([2, 3, 3, 5], [1, 2])
    assert thresholds.tolist() == [np.nextafter(1, 0), 1, 2, 3, 5]
    assert frr.tolist() == [0, 0, 0.25, 0.75, 1]
    assert far.tolist() == [1, 0.5, 0, 0, 0]


def test_area_by_hand():
    assert area_under_curve([3, 4], [1, 2]) == 1
    assert area_under_curve([1], [2]) == 0
    assert area_under_curve([0, 0], [0]) == 0.5
    # Of six pairs, 3 > 1 and 2, 2 > 1, and 2 = 2: 3.5; 1 < 2, 1 = 1: 0.5.
    assert area_under_curve([3, 2, 1], [1, 2]) == 4 / 6


@given(few_scores, few_scores)
def test_area_is_the_share_of_ordered_pairs_and_that_below_the_curve(real, fake):
    pairs = np.sign(np.array(real)[:, None] - np.array(fake)[None]) / 2 + 0.5
    measured = area_under_curve(real, fake)
    assert measured == pytest.approx(pairs.mean())
    frr, far, _ = detection_error_tradeoff(real, fake)
    assert measured == pytest.approx(np.trapezoid(1 - frr[::-1], far[::-1]))
    assert measured == pytest.approx(1 - area_under_curve(fake, real))


def test_selection_figure_by_hand():
    # EER threshold 3: one of four real rejected, one of four fake accepted: 2 errors, 6 correct.
    assert selection_der([2, 6, 7, 8], [0, 1, 3, 5]) == 2 / 6
    assert selection_der([3, 4], [1, 2]) == 0
    assert selection_der([1], [2]) == math.inf
    # Classes of unequal size: threshold 3, one of two real and one of three fake wrong.
    assert selection_der([3, 5], [1, 2, 4]) == 2 / 3


def test_single_precision_scores_are_taken_as_they_are():
    real, fake = np.float32([0.1, 0.3]), np.float32([0.2, 0.05])
    assert eer(real, fake) == (0.5, float(np.float32(0.1)))


@pytest.mark.parametrize(
    "measure", [area_under_curve, detection_error_tradeoff, eer, selection_der]
)
@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        ([], [1.0], "no scores of real trials"),
        ([1.0], [], "no scores of fake trials"),
        ([1.0, math.nan], [1.0], r"1 of 2 real scores are not finite; the first is nan at pos.* 1"),
        ([1.0], [-math.inf, 1.0], "1 of 2 fake scores are not finite; the first is -inf"),
        ([[1.0]], [1.0], r"real scores have shape \(1, 1\)"),
    ],
)
def test_bad_scores_are_named(measure, real, fake, message):
    with pytest.raises(InputError, match=message):
        measure(real, fake)
