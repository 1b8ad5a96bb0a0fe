"""Plots of claims: where values lie on the axis, and what is drawn."""

import math
import re

import pytest

from sdd.analysis.claims.assessment import Assessed
from sdd.analysis.claims.drift_statements import DRIFT_CLAIMS
from sdd.analysis.claims.eer_statements import CLAIMS
from sdd.analysis.claims.judging import ClaimTest, Difference, judge
from sdd.presentation.claim_plots import WIDTH, Scale, draw_claim


def test_axes_are_symmetric_and_end_at_round_numbers():
    for largest, span in ((0.043, 0.05), (3.2, 5), (12, 20), (1, 1)):
        scale = Scale.of([Difference(largest, 0)])
        assert scale.span == pytest.approx(span)
        assert scale.at(0) == WIDTH / 2
        assert scale.at(span) - WIDTH / 2 == pytest.approx(WIDTH / 2 - scale.at(-span))
    assert Scale.of([]).span == 1


def test_scale_of_error_rates_shows_small_and_large_differences():
    """Linear to one point: a point is as far from zero as asinh(1) is of asinh(20)."""
    scale = Scale(20, linear_to=1.0)
    half = scale.at(20) - scale.at(0)
    assert scale.at(1) - scale.at(0) == pytest.approx(half * math.asinh(1) / math.asinh(20))
    assert scale.at(0.2) - scale.at(0) > half / 30
    assert scale.ticks == [-20, -5, -1, 0, 1, 5, 20]


def drawn(claim, tests, **shown):
    [judgement] = judge([tests])
    item = Assessed(claim, "tiny", tuple(tests), judgement, **shown)
    return draw_claim(item, Scale(5))


def test_a_claim_has_its_interval_the_papers_value_and_the_band_of_equality():
    claim = next(claim for claim in CLAIMS if claim.expected == "equal")
    difference, paper = Difference(3, 2, 0.5, math.inf), Difference(4, 2, values_only=True)
    svg = drawn(claim, [ClaimTest("itw", difference, "equal")], difference=difference, paper=paper)
    assert svg.count("<circle") == svg.count("<path") == svg.count("<rect") == 1
    ends = re.search(r'<line x1="([\d.]+)" y1="13.0" x2="([\d.]+)"', svg).groups()
    assert [float(end) for end in ends] == pytest.approx(
        [Scale(5).at(1 - 0.98), Scale(5).at(1 + 0.98)], abs=0.06
    )


def test_a_claim_on_drift_has_a_line_a_test_and_none_where_nothing_is_measured():
    tests = [ClaimTest(name, Difference(2, 1, 0.1, 9.0), "higher") for name in "abc"]
    svg = drawn(DRIFT_CLAIMS[0], [*tests, ClaimTest("d", None, "higher")])
    assert svg.count("<circle") == 3
    assert drawn(DRIFT_CLAIMS[0], [ClaimTest("d", None, "higher")]) == "<span></span>"
