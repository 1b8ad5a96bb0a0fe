"""Numbers with their signs."""

import math

import pytest

from sdd.presentation.numbers import decimals, interval


@pytest.mark.parametrize(
    ("value", "options", "text"),
    [
        (1.234, {}, "1.23"),
        (-1.236, {}, "−1.24"),
        (-0.004, {}, "0.00"),
        (-0.0, {}, "0.00"),
        (0.004, {"sign": True}, "0.00"),
        (-0.004, {"sign": True}, "0.00"),
        (-0.006, {"sign": True}, "−0.01"),
        (12.0, {"sign": True, "places": 1}, "+12.0"),
        (-0.04, {"places": 1}, "0.0"),
        (math.nan, {"sign": True}, "–"),
    ],
)
def test_decimals(value, options, text):
    assert decimals(value, **options) == text


def test_interval():
    assert interval(-1, 2.345, sign=True) == "[−1.00, +2.35]"
    assert interval(-0.001, 2) == "[0.00, 2.00]"
    assert interval(math.nan, 2) == interval(2, math.nan) == ""
