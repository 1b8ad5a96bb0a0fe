"""What the paper says of drift in sections 1, 3.4 and 3.5, each statement as a test on drifts.

Drifts are corrected for what chance alone gives, and compared by their distances
(`sdd.metrics.drift_scale`). Where both are at the floor they are not told apart.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sdd.analysis.claims.judging import ClaimTest, Difference
from sdd.metrics.drift_interval import SampledDrift, distance_over_rounds
from sdd.metrics.drift_scale import Distance, DistanceComparison
from sdd.metrics.estimates import (
    FEW_CLUSTERS,
    FEWEST_CLUSTERS,
    Rounds,
    difference_of_means,
    mean_over_rounds,
)

UNTRAINED = "none"
AT_FLOOR = "both no more than chance gives"


@dataclass(frozen=True)
class DriftDifference(Difference):
    """One corrected drift minus another; what is tested are the distances.

    Attributes
    ----------
    comparison
        Of the distances; error and freedom are those of their difference.
    """

    comparison: DistanceComparison = field(kw_only=True)

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval; NaN where it is not known."""
        return min(self.value, self.comparison.low()) if self.is_known else math.nan

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval; NaN where it is not known."""
        return max(self.value, self.comparison.high()) if self.is_known else math.nan

    @property
    def smallest(self) -> float:
        """Least difference that would have been told from zero; NaN where it is not known."""
        return self.comparison.smallest() if self.is_known else math.nan

    def p_above(self, margin: float = 0.0) -> float:
        """One-sided p of the hypothesis that the difference is not above a margin."""
        return self.comparison.p_above(margin)

    def p_below(self, margin: float = 0.0) -> float:
        """One-sided p of the hypothesis that the difference is not below a margin."""
        return self.comparison.p_below(margin)


@dataclass(frozen=True)
class Drifts:
    """Drift of each algorithm on each test set.

    Attributes
    ----------
    rounds
        By (algorithm, test set): a drift for each round.
    """

    rounds: Mapping[tuple[str, str], Sequence[SampledDrift]]
    in_domain: Sequence[str]
    out_of_domain: Sequence[str]

    def difference(self, a: tuple[str, str], b: tuple[str, str]) -> Difference | None:
        """Return the difference of two corrected drifts; None if one is missing."""
        if a not in self.rounds or b not in self.rounds:
            return None
        first, second = (self._distances(key) for key in (a, b))
        estimate = difference_of_means(first, second)
        clusters = min(first.clusters, second.clusters)
        comparison = DistanceComparison(
            self._distance(a, first), self._distance(b, second), estimate.error, estimate.freedom
        )
        at_floor = self._is_at_floor(a, first) and self._is_at_floor(b, second)
        return DriftDifference(
            self._corrected(a),
            self._corrected(b),
            estimate.error,
            estimate.freedom,
            one_training=first.one_training or second.one_training,
            at_floor=at_floor,
            drawn=f"{clusters} clusters",
            note="; ".join(filter(None, [_note(clusters), AT_FLOOR if at_floor else ""])),
            comparison=comparison,
        )

    def between(self, a: str, b: str, sets: Iterable[str]) -> list[tuple[str, Difference | None]]:
        """Return the differences of two algorithms on some test sets."""
        return [(name, self.difference((a, name), (b, name))) for name in sets]

    def floor(self, algorithms: Iterable[str], test_set: str) -> float:
        """Return the largest floor that some algorithms have on a test set; NaN without drifts."""
        floors = [
            self._floor((algorithm, test_set))
            for algorithm in algorithms
            if (algorithm, test_set) in self.rounds
        ]
        return max(floors, default=math.nan)

    def _floor(self, key: tuple[str, str]) -> float:
        return float(np.mean([one.floor for one in self.rounds[key]]))

    def _corrected(self, key: tuple[str, str]) -> float:
        return math.sqrt(max(0.0, float(np.mean([one.square for one in self.rounds[key]]))))

    def _distances(self, key: tuple[str, str]) -> Rounds:
        return distance_over_rounds(self.rounds[key], trained=key[0] != UNTRAINED)

    def _distance(self, key: tuple[str, str], distances: Rounds) -> Distance:
        return Distance(distances.mean, self._floor(key), mean_over_rounds(distances).error)

    def _is_at_floor(self, key: tuple[str, str], distances: Rounds) -> bool:
        return mean_over_rounds(distances).low <= self._floor(key)


def collect_drifts(
    cells: Iterable[tuple[str, Mapping[str, SampledDrift]]],
    in_domain: Sequence[str],
    out_of_domain: Sequence[str],
) -> Drifts:
    """Put the drifts of cells together by algorithm.

    Parameters
    ----------
    cells
        Algorithm and drifts by test set, of each cell.
    """
    rounds: dict[tuple[str, str], list[SampledDrift]] = {}
    for algorithm, drifts in cells:
        for name, one in drifts.items():
            rounds.setdefault((algorithm, name), []).append(one)
    return Drifts(rounds, in_domain, out_of_domain)


def _note(clusters: int) -> str:
    if clusters < FEWEST_CLUSTERS:
        return f"fewer than {FEWEST_CLUSTERS} clusters give no interval"
    return f"fewer than {FEW_CLUSTERS}" if clusters < FEW_CLUSTERS else ""


@dataclass(frozen=True)
class DriftClaim:
    """A statement of the paper on drift."""

    name: str
    section: str
    words: str
    statement: str
    tests: Callable[[Drifts], list[ClaimTest]]
    reading: str = ""


def _in_domain_above(drifts: Drifts) -> list[ClaimTest]:
    return [
        ClaimTest(
            f"{inside} - {outside}",
            drifts.difference((UNTRAINED, inside), (UNTRAINED, outside)),
            "higher",
        )
        for inside in drifts.in_domain
        for outside in drifts.out_of_domain
    ]


def _lower_in_domain(algorithm: str) -> Callable[[Drifts], list[ClaimTest]]:
    def tests(drifts: Drifts) -> list[ClaimTest]:
        pairs = drifts.between(algorithm, UNTRAINED, drifts.in_domain)
        return [ClaimTest(name, difference, "lower") for name, difference in pairs]

    return tests


def _sft_above(other: str) -> Callable[[Drifts], list[ClaimTest]]:
    def tests(drifts: Drifts) -> list[ClaimTest]:
        sets = [name for name in drifts.out_of_domain if name in ("dv", "itw")]
        pairs = drifts.between("sft", other, sets)
        return [ClaimTest(name, difference, "higher") for name, difference in pairs]

    return tests


def _grpo_not_away(drifts: Drifts) -> list[ClaimTest]:
    pairs = drifts.between("grpo", UNTRAINED, drifts.out_of_domain)
    return [
        ClaimTest(name, difference, "not higher", drifts.floor(("grpo", UNTRAINED), name))
        for name, difference in pairs
    ]


def _beta1_above(drifts: Drifts) -> list[ClaimTest]:
    pairs = drifts.between("grpo_beta1", "grpo", drifts.in_domain)
    return [ClaimTest(name, difference, "higher") for name, difference in pairs]


DRIFT_CLAIMS: tuple[DriftClaim, ...] = (
    DriftClaim(
        "findings_drift_supports",
        "1",
        "We measured the drift of the test data distributions … and found evidence to support the "
        "above findings.",
        "SFT has more drift than GRPO on DEEP-VOICE and In-the-Wild.",
        _sft_above("grpo"),
        "Evidence is read of the two sets that section 3.4 names.",
    ),
    DriftClaim(
        "drift_in_domain_above_others",
        "3.4",
        "the drift measured on the five DFE24 test sets was higher than the other four test sets",
        "Without fine-tuning, each in-domain set has more drift than each out-of-domain set.",
        _in_domain_above,
    ),
    DriftClaim(
        "drift_sft_lower_in_domain",
        "3.4",
        "SFT fine-tuning using domain-matched data reduced the drift values on the DFE24 test sets",
        "SFT lowers the drift of each in-domain set.",
        _lower_in_domain("sft"),
    ),
    DriftClaim(
        "drift_sft_away_out_of_domain",
        "3.4",
        "but the drift on DV and ItW became higher",
        "SFT raises the drift of DEEP-VOICE and In-the-Wild.",
        _sft_above(UNTRAINED),
    ),
    DriftClaim(
        "drift_grpo_lower_in_domain",
        "3.4",
        "In contrast, GRPO fine-tuning reduced the drift on the DFE24 test sets",
        "GRPO lowers the drift of each in-domain set.",
        _lower_in_domain("grpo"),
    ),
    DriftClaim(
        "drift_grpo_not_away",
        "3.4",
        "while not making the out-of-domain data drift away",
        "GRPO raises the drift of no out-of-domain set by more than chance alone gives there.",
        _grpo_not_away,
        "“Not away” is read as: not by more than the floor of the set.",
    ),
    DriftClaim(
        "drift_shows_regularisation",
        "3.5",
        "The impact of the regularization term is also supported by the drift analysis in "
        "Figure 2 (b).",
        "With β = 1 the drift of each in-domain set is above GRPO's.",
        _beta1_above,
        "The paper does not say what to see in the figure.",
    ),
)
