"""Small plots of the page of claims, as SVG: differences with their intervals on one axis."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sdd.analysis.claims.assessment import Assessed
from sdd.analysis.claims.judging import MARGIN, Difference

WIDTH = 260
_MIDDLE, _HALF = WIDTH / 2, WIDTH / 2 - 14
_ROW = 26
_THIN_ROW = 7
_AXIS = 14


@dataclass(frozen=True)
class Scale:
    """A symmetric axis: from -span to span, a round number.

    Attributes
    ----------
    linear_to
        Where it turns from linear to logarithmic (an inverse hyperbolic sine); infinite for a
        linear axis. Differences of half a point and of twenty are then both to be seen.
    """

    span: float
    linear_to: float = math.inf

    @classmethod
    def of_eers(cls, assessed: Iterable[Assessed]) -> "Scale":
        """Return the one scale of all claims on error rates, here and in the paper."""
        items = list(assessed)
        shown = [one for item in items for one in (item.difference, item.paper) if one is not None]
        return cls(cls.of(shown, [MARGIN]).span, linear_to=1.0)

    @classmethod
    def of_tests(cls, assessed: Iterable[Assessed]) -> "Scale":
        """Return a scale that holds every test."""
        tests = [test for item in assessed for test in item.tests]
        return cls.of([test.difference for test in tests if test.difference is not None])

    @classmethod
    def of(cls, differences: Sequence[Difference], others: Sequence[float] = ()) -> "Scale":
        """Return the scale that holds some differences with their intervals."""
        ends = [value for one in differences for value in (one.value, one.low, one.high)]
        largest = max((abs(v) for v in (*ends, *others) if not math.isnan(v)), default=0.0)
        return cls(_rounded_up(largest) if largest else 1.0)

    def at(self, value: float) -> float:
        """Return where a value lies, in pixels from the left."""
        if math.isinf(self.linear_to):
            share = value / self.span
        else:
            share = math.asinh(value / self.linear_to) / math.asinh(self.span / self.linear_to)
        return _MIDDLE + _HALF * max(-1.0, min(1.0, share))

    @property
    def ticks(self) -> list[float]:
        """Return the values that are named on the axis."""
        if math.isinf(self.linear_to):
            return [-self.span, 0.0, self.span]
        above = [value for value in (1.0, 5.0, 20.0) if value < 0.7 * self.span]
        ends = [*above, self.span]
        return [*(-value for value in reversed(ends)), 0.0, *ends]


def draw_claim(item: Assessed, scale: Scale) -> str:
    """Draw the difference of a claim beside the paper's, or each of its tests, above an axis."""
    if item.difference is not None or item.paper is not None:
        height, parts = _ROW, _one_difference(item, scale)
    else:
        height, parts = _all_tests(item, scale)
    if not parts:
        return "<span></span>"
    zero = f'<line x1="{_MIDDLE}" y1="1" x2="{_MIDDLE}" y2="{height}" stroke="#999"/>'
    total = height + _AXIS
    return (
        f'<svg width="{WIDTH}" height="{total}" viewBox="0 0 {WIDTH} {total}" role="img" '
        f'aria-hidden="true">{zero}{"".join(parts)}{_axis(scale, height)}</svg>'
    )


def _one_difference(item: Assessed, scale: Scale) -> list[str]:
    parts = []
    if any(test.expected in ("equal", "not higher") for test in item.tests):
        left, right = scale.at(-MARGIN), scale.at(MARGIN)
        parts.append(
            f'<rect x="{left:.1f}" y="1" width="{right - left:.1f}" height="{_ROW - 2}" '
            'fill="#e6e6e6"/>'
        )
    if item.difference is not None:
        parts.append(_interval(item.difference, scale, _ROW / 2, width=2))
        parts.append(f'<circle cx="{scale.at(item.difference.value):.1f}" cy="{_ROW / 2}" r="3.5" '
                     'fill="#111"/>')  # fmt: skip
    if item.paper is not None:
        x = scale.at(item.paper.value)
        parts.append(
            f'<path d="M{x:.1f} 7 l6 6 l-6 6 l-6 -6 z" fill="none" stroke="#005b96" '
            'stroke-width="1.5"/>'
        )
    return parts


def _all_tests(item: Assessed, scale: Scale) -> tuple[int, list[str]]:
    """Draw a thin line for each test, from the top in their order."""
    measured = [test.difference for test in item.tests if test.difference is not None]
    parts = []
    for row, difference in enumerate(measured):
        y = _THIN_ROW * (row + 0.5) + 1
        parts.append(_interval(difference, scale, y, width=1))
        parts.append(f'<circle cx="{scale.at(difference.value):.1f}" cy="{y}" r="2" fill="#111"/>')
    return _THIN_ROW * len(measured) + 2, parts


def _interval(difference: Difference, scale: Scale, y: float, *, width: int) -> str:
    if math.isnan(difference.low):
        return ""
    return (
        f'<line x1="{scale.at(difference.low):.1f}" y1="{y}" x2="{scale.at(difference.high):.1f}" '
        f'y2="{y}" stroke="#111" stroke-width="{width}"/>'
    )


def _axis(scale: Scale, height: int) -> str:
    """Draw the axis with its ticks."""
    ends = (scale.at(-scale.span), scale.at(scale.span))
    lines = [f'<line x1="{ends[0]}" y1="{height}" x2="{ends[1]}" y2="{height}" stroke="#999"/>']
    for value in scale.ticks:
        x = f"{scale.at(value):.1f}"
        text = "0" if value == 0 else f"{value:+g}".replace("-", "\N{MINUS SIGN}")
        lines.append(f'<line x1="{x}" y1="{height}" x2="{x}" y2="{height + 2}" stroke="#999"/>')
        lines.append(
            f'<text x="{x}" y="{height + 11}" font-size="9" fill="#444" '
            f'text-anchor="middle">{text}</text>'
        )
    return "".join(lines)


def _rounded_up(value: float) -> float:
    """Return the least 1, 2 or 5 times a power of ten that is not below a value."""
    power = 10.0 ** math.floor(math.log10(value))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= value))
