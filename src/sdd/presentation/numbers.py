"""Numbers as tables, figures and pages show them."""

import math

NONE = "–"
MINUS = "−"


def decimals(value: float, places: int = 2, *, sign: bool = False) -> str:
    """Return a number with so many decimals; a dash for NaN, and no sign of what rounds to zero.

    Parameters
    ----------
    sign
        Also write the sign of positive numbers.
    """
    if math.isnan(value):
        return NONE
    # Adding zero makes -0.0 the zero that has no sign.
    rounded = round(value, places) + 0.0
    plus = "+" if sign and rounded > 0 else ""
    return plus + f"{rounded:.{places}f}".replace("-", MINUS)


def interval(low: float, high: float, places: int = 2, *, sign: bool = False) -> str:
    """Return an interval in brackets; nothing where one of its ends is not known."""
    if math.isnan(low) or math.isnan(high):
        return ""
    return f"[{decimals(low, places, sign=sign)}, {decimals(high, places, sign=sign)}]"
