"""From differences with their intervals to a verdict on a claim.

A claim is a list of tests, each of one difference that should be lower, higher, equal within a
margin, or not higher. A difference counts as lower or higher once its 95 % interval leaves out zero
and, where there is a permutation test, p < 0.05 after Holm's correction for all tests of the claim.
Where a table has values only, as the paper prints them, values decide.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sdd.metrics.permutation import holm

Expected = Literal["lower", "higher", "equal", "not higher"]
Outcome = Literal["met", "missed", "open"]
Verdict = Literal["supported", "contradicted", "undecided"]

LEVEL = 0.05
MARGIN = 1.5
"""Percentage points within which two EERs are called equal. The paper calls 1.27 points (rows 3 and
4, in-domain average) similar; a narrower margin would contradict its own words."""


@dataclass(frozen=True)
class Difference:
    """One figure minus another, with its confidence interval.

    Attributes
    ----------
    a, b
        The two figures, in one unit.
    low, high
        95 % interval of a - b; NaN where it is not known.
    p_value
        Of a permutation test; NaN without one.
    values_only
        Whether the table holds values without any uncertainty, as the paper's.
    """

    a: float
    b: float
    low: float = math.nan
    high: float = math.nan
    p_value: float = math.nan
    values_only: bool = False

    @property
    def value(self) -> float:
        """The first less the second."""
        return self.a - self.b


@dataclass(frozen=True)
class ClaimTest:
    """One expectation of a claim.

    Attributes
    ----------
    where
        The test set, or what else the difference is of.
    difference
        None where it was not measured.
    expected, margin
        What it should be; the margin belongs to `equal` and `not higher`.
    """

    where: str
    difference: Difference | None
    expected: Expected
    margin: float = MARGIN


@dataclass(frozen=True)
class Judgement:
    """The verdict on a claim, and the outcome of each of its tests."""

    verdict: Verdict
    outcomes: tuple[Outcome, ...]


def judge(tests: Sequence[ClaimTest], *, most: bool = False) -> Judgement:
    """Return the verdict that the outcomes of a claim's tests lead to.

    Parameters
    ----------
    most
        Whether most tests have to be met, rather than all.

    Returns
    -------
    Judgement
        Supported: all tests are met (or more than half). Contradicted: one is missed (or at least
        half). Undecided otherwise; what was not measured is open.
    """
    known = [math.nan if test.difference is None else test.difference.p_value for test in tests]
    outcomes = tuple(_outcome(test, p) for test, p in zip(tests, holm(known), strict=True))
    met, missed = outcomes.count("met"), outcomes.count("missed")
    enough = len(tests) / 2
    verdict: Verdict = "undecided"
    if (met > enough) if most else (met == len(tests) > 0):
        verdict = "supported"
    elif (missed >= enough and missed > 0) if most else missed > 0:
        verdict = "contradicted"
    return Judgement(verdict, outcomes)


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """Join the verdicts of several models: all must support, one can contradict."""
    if "contradicted" in verdicts:
        return "contradicted"
    return "supported" if verdicts and set(verdicts) == {"supported"} else "undecided"


def _outcome(test: ClaimTest, p_value: np.floating | float) -> Outcome:
    difference = test.difference
    if difference is None or math.isnan(difference.value):
        return "open"
    low, high = difference.low, difference.high
    if difference.values_only:
        low = high = difference.value
    if math.isnan(low) or math.isnan(high):
        return "open"
    if test.expected == "equal":
        return _within(max(abs(low), abs(high)) <= test.margin, low, high, test.margin)
    if test.expected == "not higher":
        return "met" if high <= test.margin else "missed" if low > test.margin else "open"
    sure = math.isnan(p_value) or p_value < LEVEL
    below, above = sure and high < 0, sure and low > 0
    met, missed = (below, above) if test.expected == "lower" else (above, below)
    if difference.values_only and low == 0:
        # No difference at all is neither lower nor higher.
        missed = True
    return "met" if met else "missed" if missed else "open"


def _within(inside: bool, low: float, high: float, margin: float) -> Outcome:
    if inside:
        return "met"
    return "missed" if low > margin or high < -margin else "open"
