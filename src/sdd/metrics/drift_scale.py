"""From a distance to the drift behind it, and the difference of two drifts.

A distance is the mean of absolute differences, over dimensions and values. Chance adds to each a
normal deviate, of which the floor is what is left where nothing differs. Where the drift w is
spread evenly, the distance is on average that of a folded normal distribution [1]_ with the mean w
and the standard deviation s = floor sqrt(pi / 2):

    E(w) = floor exp(-w^2 / (pi floor^2)) + w erf(w / (floor sqrt(pi)))

which is the floor at w = 0 and w itself far above it. A drift that is spread otherwise has a larger
distance (E is convex), so bounds from above that are read off E hold for any.

References
----------
.. [1] Leone, Nelson, Nottingham, "The folded normal distribution", Technometrics 3 (1961).
"""

import math
from dataclasses import dataclass

from sdd.metrics.rounds import t_quantile, t_tail

_HALVINGS = 60


def expected_distance(drift: float, floor: float) -> float:
    """Return the distance that a drift has on average, E(w)."""
    if floor <= 0:
        return drift
    chance = floor * math.exp(-(drift**2) / (math.pi * floor**2))
    return chance + drift * math.erf(drift / (floor * math.sqrt(math.pi)))


def drift_behind(distance: float, floor: float) -> float:
    """Return the drift that has a distance on average; 0 at the floor or below."""
    if distance <= floor:
        return 0.0
    low, high = 0.0, distance
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if expected_distance(middle, floor) < distance:
            low = middle
        else:
            high = middle
    return (low + high) / 2


@dataclass(frozen=True)
class Distance:
    """A mean distance of one detector on one test set, not corrected.

    Attributes
    ----------
    floor
        What chance alone gives.
    error
        Standard error of the distance.
    """

    value: float
    floor: float
    error: float

    @property
    def least_drift(self) -> float:
        """The drift behind a distance of a standard error less."""
        return drift_behind(self.value - self.error, self.floor)


@dataclass(frozen=True)
class DistanceComparison:
    """Two distances, and what their difference says of the difference of the drifts behind them.

    The same difference of drifts shows less in the distances the nearer both are to the floor. So
    each bound takes the drift that both are counted from a standard error lower than it was found,
    which makes the bound wider: a difference is told where it would be there, too.

    Attributes
    ----------
    error, freedom
        Standard error of the first distance less the second, and degrees of freedom of Student's t.
    """

    first: Distance
    second: Distance
    error: float
    freedom: float

    def high(self, confidence: float = 0.95) -> float:
        """Upper end of the interval of the first drift less the second."""
        base = self.second.least_drift
        reach = t_quantile(self.freedom, confidence) * self.error
        reached = expected_distance(base, self.second.floor) + self._difference + reach
        return drift_behind(reached, self.first.floor) - base

    def low(self, confidence: float = 0.95) -> float:
        """Lower end of the same interval."""
        return -self._swapped.high(confidence)

    def smallest(self, confidence: float = 0.95) -> float:
        """Return the least difference of drifts that would have been told from 0."""
        base = self.second.least_drift
        reach = t_quantile(self.freedom, confidence) * self.error
        return (
            drift_behind(expected_distance(base, self.first.floor) + reach, self.first.floor) - base
        )

    def p_below(self, margin: float = 0.0) -> float:
        """One-sided p of the hypothesis that the first is at least the second plus a margin.

        Below a level exactly where the interval of that level is below the margin.
        """
        base = self.second.least_drift
        expected = expected_distance(max(0.0, base + margin), self.first.floor)
        expected -= expected_distance(base, self.second.floor)
        return t_tail(expected - self._difference, self.error, self.freedom)

    def p_above(self, margin: float = 0.0) -> float:
        """One-sided p of the hypothesis that the first is at most the second plus a margin."""
        return self._swapped.p_below(-margin)

    @property
    def _difference(self) -> float:
        return self.first.value - self.second.value

    @property
    def _swapped(self) -> "DistanceComparison":
        return DistanceComparison(self.second, self.first, self.error, self.freedom)
