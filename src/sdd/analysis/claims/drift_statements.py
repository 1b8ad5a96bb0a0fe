"""What the paper says of drift in sections 3.4 and 3.5, each statement as a test on drift.csv."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sdd.analysis.claims.judging import ClaimTest, Difference
from sdd.metrics.estimates import Estimate
from sdd.metrics.rounds import mean_and_spread, t_interval


@dataclass(frozen=True)
class Drifts:
    """Drift of each algorithm on each test set, mean over rounds with its interval.

    Attributes
    ----------
    estimates
        By (algorithm, test set), in the unit of the embeddings.
    floor
        The drift between two halves of the reference set: what is no drift at all.
    """

    estimates: Mapping[tuple[str, str], Estimate]
    floor: float
    in_domain: Sequence[str]
    out_of_domain: Sequence[str]

    def difference(self, a: tuple[str, str], b: tuple[str, str]) -> Difference | None:
        """Return the difference of two drifts, of independent errors; None if one is missing."""
        if a not in self.estimates or b not in self.estimates:
            return None
        first, second = self.estimates[a], self.estimates[b]
        low = math.hypot(first.value - first.low, second.high - second.value)
        high = math.hypot(first.high - first.value, second.value - second.low)
        value = first.value - second.value
        return Difference(first.value, second.value, value - low, value + high)

    def between(self, a: str, b: str, sets: Iterable[str]) -> list[tuple[str, Difference | None]]:
        """Return the differences of two algorithms on some test sets."""
        return [(name, self.difference((a, name), (b, name))) for name in sets]


def collect_drifts(
    rows: Iterable[Mapping[str, Any]], in_domain: Sequence[str], out_of_domain: Sequence[str]
) -> Drifts:
    """Take means over rounds of the drift tables of cells.

    Parameters
    ----------
    rows
        algorithm, test_set, drift, drift_low, drift_high, floor; one for each round.

    Returns
    -------
    Drifts
        An interval joins that of the bootstrap (mean over rounds) and Student's of the rounds.
    """
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    floors = []
    for row in rows:
        groups.setdefault((row["algorithm"], row["test_set"]), []).append(row)
        floors.append(float(row["floor"]))
    estimates = {key: _estimate(group) for key, group in groups.items()}
    floor = float(np.mean(floors)) if floors else math.nan
    return Drifts(estimates, floor, in_domain, out_of_domain)


def _estimate(rounds: Sequence[Mapping[str, Any]]) -> Estimate:
    values = [float(row["drift"]) for row in rounds]
    mean, _ = mean_and_spread(values)
    below = float(np.mean([float(row["drift"]) - float(row["drift_low"]) for row in rounds]))
    above = float(np.mean([float(row["drift_high"]) - float(row["drift"]) for row in rounds]))
    training = 0.0 if len(values) == 1 else mean - t_interval(values)[0]
    return Estimate(mean, mean - math.hypot(below, training), mean + math.hypot(above, training))


@dataclass(frozen=True)
class DriftClaim:
    """A statement of the paper on drift."""

    name: str
    section: str
    words: str
    statement: str
    tests: Callable[[Drifts], list[ClaimTest]]


def _in_domain_above(drifts: Drifts) -> list[ClaimTest]:
    return [
        ClaimTest(f"{inside} - {outside}", drifts.difference(("none", inside), ("none", outside)),
             "higher")
        for inside in drifts.in_domain
        for outside in drifts.out_of_domain
    ]  # fmt: skip


def _lower_in_domain(algorithm: str) -> Callable[[Drifts], list[ClaimTest]]:
    def tests(drifts: Drifts) -> list[ClaimTest]:
        pairs = drifts.between(algorithm, "none", drifts.in_domain)
        return [ClaimTest(name, difference, "lower") for name, difference in pairs]

    return tests


def _sft_away(drifts: Drifts) -> list[ClaimTest]:
    sets = [name for name in drifts.out_of_domain if name in ("dv", "itw")]
    return [ClaimTest(name, diff, "higher") for name, diff in drifts.between("sft", "none", sets)]


def _grpo_not_away(drifts: Drifts) -> list[ClaimTest]:
    pairs = drifts.between("grpo", "none", drifts.out_of_domain)
    return [ClaimTest(name, diff, "not higher", drifts.floor) for name, diff in pairs]


def _beta1_above(drifts: Drifts) -> list[ClaimTest]:
    pairs = drifts.between("grpo_beta1", "grpo", drifts.in_domain)
    return [ClaimTest(name, difference, "higher") for name, difference in pairs]


DRIFT_CLAIMS: tuple[DriftClaim, ...] = (
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
        _sft_away,
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
        "GRPO raises the drift of no out-of-domain set by more than two halves of the reference "
        "set differ.",
        _grpo_not_away,
    ),
    DriftClaim(
        "drift_shows_regularisation",
        "3.5",
        "The impact of the regularization term is also supported by the drift analysis in "
        "Figure 2 (b).",
        "With β = 1 the drift of each in-domain set is above GRPO's. The paper does not say what "
        "to see in the figure; this is our reading.",
        _beta1_above,
    ),
)
