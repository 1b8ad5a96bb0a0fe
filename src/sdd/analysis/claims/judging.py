"""From differences with their uncertainty to a verdict on a claim.

A claim is a list of tests, for each model that has the rows; each test is of one difference that
should be lower, higher, equal within a margin, or not higher than a margin.

Supported asks that all tests are met, each at 5 %: an intersection of rejections, which errs less
often than each of them and needs no correction. Contradicted is one test that came out the other
way, so the more tests there are the likelier it is by chance: its p values are corrected by Holm's
procedure, over all tests of the claim on all models, measured or not.

A difference that involves a single training tells models apart, not algorithms: it decides nothing.
Where a table has values only, as the paper prints them, values decide.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sdd.metrics.multiplicity import holm, partial_conjunction
from sdd.metrics.rounds import t_quantile, t_tail

Expected = Literal["lower", "higher", "equal", "not higher"]
Outcome = Literal["met", "missed", "open"]
Verdict = Literal["supported", "contradicted", "undecided"]

LEVEL = 0.05
MARGIN = 1.5
"""Percentage points within which two EERs are called equal. The paper calls 1.27 points (rows 3 and
4, in-domain average) similar; a narrower margin would contradict its own words."""


@dataclass(frozen=True)
class Difference:
    """One figure minus another, with its uncertainty.

    Attributes
    ----------
    a, b
        The two figures, in one unit.
    error, freedom
        Standard error and the degrees of freedom of Student's t; NaN where it is not known.
    one_training
        Whether one of the two was trained once only.
    at_floor
        Whether both figures are no more than chance alone gives: neither is then the lower.
    drawn
        How many of what were drawn anew, such as `54 speakers`.
    note
        What restricts it, in words.
    values_only
        Whether the table holds values without any uncertainty, as the paper's.
    """

    a: float
    b: float
    error: float = math.nan
    freedom: float = math.nan
    one_training: bool = False
    at_floor: bool = False
    drawn: str = ""
    note: str = ""
    values_only: bool = False

    @property
    def value(self) -> float:
        """The first less the second."""
        return self.a - self.b

    @property
    def is_known(self) -> bool:
        """Whether there is a value with its uncertainty."""
        return not math.isnan(self.value) and not math.isnan(self.error)

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval; NaN where it is not known."""
        return self.value - self.smallest

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval; NaN where it is not known."""
        return self.value + self.smallest

    @property
    def smallest(self) -> float:
        """Least difference that would have been told from zero; NaN where it is not known."""
        return t_quantile(self.freedom) * self.error

    def p_above(self, margin: float = 0.0) -> float:
        """One-sided p of the hypothesis that the difference is not above a margin."""
        return t_tail(self.value - margin, self.error, self.freedom)

    def p_below(self, margin: float = 0.0) -> float:
        """One-sided p of the hypothesis that the difference is not below a margin."""
        return t_tail(margin - self.value, self.error, self.freedom)


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

    @property
    def p_met(self) -> float:
        """P of the hypothesis that it is not as expected; 1 where nothing decides.

        Two-sided where a sign is expected; equality is two one-sided tests, each at the full level:
        the 90 % interval lies within the margin.
        """
        difference = self.difference
        if difference is None or difference.values_only:
            return 0.0 if self._by_value() is True else 1.0
        if not self._decides(difference):
            return 1.0
        if self.expected == "equal":
            return max(difference.p_above(-self.margin), difference.p_below(self.margin))
        if self.expected == "not higher":
            return difference.p_below(self.margin)
        side = difference.p_below() if self.expected == "lower" else difference.p_above()
        return min(1.0, 2 * side)

    @property
    def p_missed(self) -> float:
        """Two-sided p of the hypothesis that it is not the other way; 1 where nothing decides."""
        difference = self.difference
        if difference is None or difference.values_only:
            return 0.0 if self._by_value() is False else 1.0
        if not self._decides(difference):
            return 1.0
        if self.expected in ("equal", "not higher"):
            sides = [difference.p_above(self.margin)]
            if self.expected == "equal":
                sides.append(difference.p_below(-self.margin))
            return min(1.0, 2 * min(sides))
        side = difference.p_above() if self.expected == "lower" else difference.p_below()
        return min(1.0, 2 * side)

    def _decides(self, difference: Difference) -> bool:
        """Whether a difference says anything about this expectation."""
        apart = self.expected in ("equal", "not higher") or not difference.at_floor
        return difference.is_known and not difference.one_training and apart

    def _by_value(self) -> bool | None:
        """Whether values alone are as expected; None where there are none."""
        if self.difference is None or math.isnan(self.difference.value):
            return None
        value = round(self.difference.value, 9)  # 12.1 - 10.6 is 1.5 in decimals
        met = {
            "lower": value < 0,
            "higher": value > 0,
            "equal": abs(value) <= self.margin,
            "not higher": value <= self.margin,
        }
        return met[self.expected]


@dataclass(frozen=True)
class Judgement:
    """The verdict on a claim with one model.

    Attributes
    ----------
    outcomes
        Of each test.
    family
        Number of tests that contradictions are corrected for.
    one_training
        Whether tests are open because an algorithm was trained once only.
    smallest
        Least difference that each of its tests would have told from zero; NaN where unknown.
    """

    verdict: Verdict
    outcomes: tuple[Outcome, ...]
    family: int
    one_training: bool = False
    smallest: float = math.nan


def judge(models: Sequence[Sequence[ClaimTest]], *, most: bool = False) -> list[Judgement]:
    """Return the verdict on a claim for each model that it is tested on.

    Parameters
    ----------
    models
        The tests of each model, in all the family.
    most
        Whether most tests have to be met, rather than all.

    Returns
    -------
    list
        Supported: all tests are met; of `most` more than half, by a test that at least so many
        differences are there. Contradicted: one is missed (of `most` at least half). Undecided
        otherwise; what was not measured is open.
    """
    family = [test for tests in models for test in tests]
    corrected = iter(holm([test.p_missed for test in family]).tolist())
    return [
        _judge_model(tests, [next(corrected) for _ in tests], most, len(family)) for tests in models
    ]


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """Join the verdicts of several models: all must support, one can contradict."""
    if "contradicted" in verdicts:
        return "contradicted"
    return "supported" if verdicts and set(verdicts) == {"supported"} else "undecided"


def _judge_model(
    tests: Sequence[ClaimTest], p_missed: Sequence[float], most: bool, family: int
) -> Judgement:
    """Judge one model; `p_missed` is corrected for the family."""
    p_met = [test.p_met for test in tests]
    outcomes: tuple[Outcome, ...] = tuple(
        "met" if met < LEVEL else "missed" if missed < LEVEL else "open"
        for met, missed in zip(p_met, p_missed, strict=True)
    )
    needed = len(tests) // 2 + 1 if most else len(tests)
    allowed = (len(tests) + 1) // 2 if most else 1
    verdict: Verdict = "undecided"
    if tests and partial_conjunction(p_met, needed) < LEVEL:
        verdict = "supported"
    elif outcomes.count("missed") >= max(1, allowed):
        verdict = "contradicted"
    differences = [test.difference for test in tests if test.difference is not None]
    told = [one.smallest for one in differences if not math.isnan(one.smallest)]
    return Judgement(
        verdict,
        outcomes,
        family,
        any(one.one_training for one in differences),
        max(told, default=math.nan),
    )
