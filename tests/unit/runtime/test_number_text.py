"""Numbers of tables: decimal and finite, or none."""

import pytest

from sdd.runtime.number_text import decimal_comma_hint, parse_number, parse_whole


@pytest.mark.parametrize(
    ("text", "number", "whole"),
    [
        ("5", 5.0, 5),
        (" -3.75 ", -3.75, None),
        ("+.5", 0.5, None),
        ("16000.0", 16000.0, 16000),
        ("1.6e4", 16000.0, 16000),
        ("007", 7.0, 7),
        ("200\x1c\t", 200.0, 200),
        ("9007199254740993", 9007199254740992.0, 9007199254740993),
        ("1e300", 1e300, None),
        ("9" * 5000, None, None),
        ("1e400", None, None),
        *((text, None, None) for text in ("", "-", "nan", "inf", "-Infinity", "1_000", "0x10")),
        *((text, None, None) for text in ("1,5", "1.5.2", "٣", "1 000", "true", "1e", "--1")),
    ],
)
def test_numbers(text, number, whole):
    assert parse_number(text) == number
    assert parse_whole(text) == whole


def test_a_decimal_comma_is_told():
    assert "point, not a comma" in decimal_comma_hint("0,94")
    assert "point, not a comma" in decimal_comma_hint("[0,94; -1,39]")
    assert decimal_comma_hint("long") == decimal_comma_hint("1,000,000") == ""
