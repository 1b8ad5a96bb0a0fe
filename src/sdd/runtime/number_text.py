"""Numbers as text: those that tables may hold, and nothing else that Python would take for one."""

import math
import re

# Not "1_000", "٣", "0x10", "nan" or "inf", which float() or int() would take.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DIGITS = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+")
# From here on float64 has no room for all whole numbers.
_EXACT = 2.0**53


def parse_number(text: str) -> float | None:
    """Parse a decimal number; None if it is none, or too large for float64."""
    text = text.strip()
    if _NUMBER.fullmatch(text) is None:
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def parse_whole(text: str) -> int | None:
    """Parse a whole number, also as 16000.0 or 1.6e4; None if it is none, or not exact."""
    text = text.strip()  # int() leaves separators such as U+001C, which this takes off
    if _DIGITS.fullmatch(text):
        return int(text)
    number = parse_number(text)
    if number is None or abs(number) > _EXACT or number % 1:
        return None
    return int(number)


def decimal_comma_hint(text: str) -> str:
    """Say, where a number has a decimal comma, that it wants a point; else return nothing."""
    if any(_DECIMAL_COMMA.fullmatch(part.strip(" []")) for part in text.split(";")):
        return " (with a point, not a comma, before the decimals)"
    return ""
