"""From differences to verdicts: equality, corrections, one training, values alone."""

import math

import pytest

from sdd.analysis.claims.judging import ClaimTest, Difference, judge, overall
from sdd.metrics.rounds import t_quantile


def difference(low, high, freedom=1e6, **more):
    """A difference in the middle of its 95 % interval."""
    error = (high - low) / 2 / t_quantile(freedom)
    return Difference((low + high) / 2, 0, error, freedom, **more)


def with_p(p, sign=1):
    """A difference whose two-sided p value is `p`."""
    return Difference(sign * t_quantile(math.inf, 1 - p), 0, 1.0, math.inf)


def test_ends_of_the_interval():
    found = difference(-1, 2, 7)
    assert (found.low, found.high) == (pytest.approx(-1), pytest.approx(2))
    assert found.smallest == pytest.approx(1.5)


def test_bounds_are_unknown_with_their_error():
    found = Difference(0.0, 0.0)
    assert all(math.isnan(value) for value in (found.low, found.high, found.smallest))


@pytest.mark.parametrize(
    ("expected", "found", "outcome"),
    [
        ("lower", difference(-2, -1), "met"),
        ("lower", difference(1, 2), "missed"),
        ("lower", difference(-2, 1), "open"),
        ("higher", difference(1, 2), "met"),
        ("higher", difference(-2, -1), "missed"),
        ("higher", difference(0.001, 2, 5), "met"),
        ("higher", difference(-0.001, 2, 5), "open"),
        ("higher", difference(1, 2, one_training=True), "open"),
        ("lower", difference(1, 2, one_training=True), "open"),
        ("higher", Difference(3, 1), "open"),
        ("higher", Difference(3, 1, values_only=True), "met"),
        ("higher", Difference(3, 3, values_only=True), "missed"),
        ("higher", None, "open"),
        ("equal", difference(-1.4, 1.4), "met"),
        # The 95 % interval is not within the margin, the 90 % interval is.
        ("equal", difference(-1.6, 1.6), "met"),
        ("equal", difference(-1.9, 1.9), "open"),
        ("equal", difference(1.6, 3), "missed"),
        ("equal", difference(-3, -1.6), "missed"),
        ("equal", difference(1.4, 3), "open"),
        ("equal", Difference(12.1, 10.6, values_only=True), "met"),
        ("equal", Difference(12.11, 10.6, values_only=True), "missed"),
        ("not higher", difference(-5, 1.4), "met"),
        ("not higher", difference(1, 2), "open"),
        ("not higher", difference(1.6, 2), "missed"),
    ],
)
def test_outcomes(expected, found, outcome):
    [judgement] = judge([[ClaimTest("itw", found, expected)]])
    assert judgement.outcomes == (outcome,)
    assert judgement.one_training == bool(found and found.one_training)


def test_support_is_an_intersection_and_contradiction_is_corrected():
    four = [ClaimTest(name, with_p(0.04), "higher") for name in "abcd"]
    assert judge([four])[0].verdict == "supported"
    against = [ClaimTest(name, with_p(0.04, sign=-1), "higher") for name in "abcd"]
    # 4 x 0.04: none is sure.
    [judgement] = judge([against])
    assert (judgement.verdict, judgement.family) == ("undecided", 4)
    assert judgement.outcomes == ("open",) * 4
    sure = [*against[:3], ClaimTest("d", with_p(0.012, sign=-1), "higher")]
    assert judge([sure])[0].verdict == "contradicted"
    assert judge([sure])[0].outcomes == ("open", "open", "open", "missed")


def test_the_family_is_all_tests_of_a_claim_on_all_models_measured_or_not():
    sure = [ClaimTest("a", with_p(0.02, sign=-1), "higher")]
    assert judge([sure])[0].verdict == "contradicted"
    missing = [ClaimTest("a", None, "higher")]
    verdicts = judge([sure, missing, missing])
    assert [one.verdict for one in verdicts] == ["undecided"] * 3
    assert {one.family for one in verdicts} == {3}


def test_most_is_tested_as_so_many_of_them():
    """Three of four: twice the third p value."""

    def verdict(*p_values):
        tests = [ClaimTest("set", with_p(p), "higher") for p in p_values]
        return judge([tests], most=True)[0].verdict

    assert verdict(0.001, 0.001, 0.02, 0.9) == "supported"
    assert verdict(0.001, 0.001, 0.04, 0.9) == "undecided"


@pytest.mark.parametrize(
    ("outcomes", "every", "most"),
    [
        ("mmmm", "supported", "supported"),
        ("mmmo", "undecided", "supported"),
        ("mmmx", "contradicted", "supported"),
        ("mmxx", "contradicted", "contradicted"),
        ("mmoo", "undecided", "undecided"),
        ("oooo", "undecided", "undecided"),
        ("mxoo", "contradicted", "undecided"),
    ],
)
def test_verdicts(outcomes, every, most):
    found = {"m": difference(1, 1.1), "x": difference(-1.1, -1), "o": difference(-1, 1)}
    tests = [ClaimTest(letter, found[letter], "higher") for letter in outcomes]
    assert judge([tests])[0].verdict == every
    assert judge([tests], most=True)[0].verdict == most


def test_smallest_difference_told_is_that_of_all_tests():
    tests = [ClaimTest("a", difference(-1, 1), "lower"), ClaimTest("b", difference(2, 8), "lower")]
    assert judge([tests])[0].smallest == pytest.approx(3)


def test_models_are_joined():
    assert overall(["supported", "supported"]) == "supported"
    assert overall(["supported", "undecided"]) == "undecided"
    assert overall(["undecided", "contradicted"]) == "contradicted"
    assert overall([]) == "undecided"
