"""How often intervals hold the truth, and tests and verdicts err by chance, on simulated trials.

The functions are those that make `intervals.csv`, `comparisons.csv`, `drift.csv` and `claims.csv`.
Scores are normal, and trials of one speaker or recording have a share of their variance in common,
so true error rates are known. Beside some rows stands the same with trials drawn one by one, as if
they were independent. Everything follows from fixed seeds.

`python benchmarks/coverage.py --quick` takes less than a minute of one core, all of it some five.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from scipy.special import ndtri

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sdd.analysis.claims.drift_statements import Drifts
from sdd.analysis.claims.judging import ClaimTest, Difference, judge
from sdd.metrics.bootstrap import RankedTrials, cluster_keys, weight_chunks
from sdd.metrics.drift_interval import ClusteredPoints, SampledDrift, sample_drift
from sdd.metrics.error_rates import eer
from sdd.metrics.estimates import (
    Rounds,
    Sample,
    average,
    difference_of_means,
    rate_over_rounds,
    sample_of_rates,
)
from sdd.metrics.rank_correlation import Correlation, correlation_interval, kendall, spearman

REPLICATES = 300
LEVEL = 0.05
Row = tuple[str, int, float, str]
"""What was simulated, how often, the share in question, and the bounds it should be within."""


@dataclass(frozen=True)
class Corpus:
    """Clusters with their trials.

    Attributes
    ----------
    clusters
        Of real trials and of fake ones.
    trials
        Of each class that a cluster has.
    mixed
        Whether a cluster has trials of both classes, as a speaker has.
    share
        Of the variance of scores that a cluster's trials of a class have in common.
    """

    name: str
    clusters: tuple[int, int]
    trials: int
    share: float
    mixed: bool = False

    @property
    def unit(self) -> np.ndarray:
        """The cluster of each trial."""
        real, fake = self.clusters
        first = np.repeat(np.arange(real), self.trials)
        return np.append(first, np.repeat(np.arange(fake), self.trials) + (not self.mixed) * real)

    @property
    def real(self) -> np.ndarray:
        """Whether each trial is real."""
        return np.arange(self.trials * sum(self.clusters)) < self.trials * self.clusters[0]

    @property
    def count(self) -> int:
        """Number of clusters."""
        return self.clusters[0] if self.mixed else sum(self.clusters)


SPEAKERS = Corpus("54 speakers", (54, 54), 30, 0.1, mixed=True)
VOICES = Corpus("8 voices", (8, 8), 40, 0.1, mixed=True)
RECORDINGS = Corpus("recordings", (40, 40), 10, 0.5)
MANY = Corpus("many", (150, 150), 5, 0.3)


class Simulated:
    """Trials of one corpus, which detectors score with effects in common."""

    def __init__(self, corpus: Corpus, seed: int, *, independent: bool = False) -> None:
        self.corpus, self.generator = corpus, np.random.default_rng(seed)
        self.unit, self.real = corpus.unit, corpus.real
        self.common = self._effects()
        # As if trials were independent: each its own cluster.
        self.drawn = np.arange(len(self.unit)) if independent else self.unit
        names = [str(number) for number in range(int(self.drawn.max()) + 1)]
        keys = cluster_keys(names, corpus.name, seed)
        self.weights = np.concatenate(list(weight_chunks(keys, REPLICATES)))
        self.fewest = min(len(set(self.drawn[one].tolist())) for one in (self.real, ~self.real))

    def _effects(self) -> np.ndarray:
        """Draw normal scores of variance 1, ``float [n]``, about 0."""
        of_cluster = self.generator.normal(size=(2, self.corpus.count))
        own = self.generator.normal(size=self.unit.size)
        shared = of_cluster[self.real.astype(int), self.unit]
        return math.sqrt(self.corpus.share) * shared + math.sqrt(1 - self.corpus.share) * own

    def rounds(self, rates: Sequence[float], scale: tuple[float, float] = (1.0, 1.0)) -> Rounds:
        """Score the trials with detectors of some true EERs, a round each; all in percent.

        Parameters
        ----------
        scale
            Of the scores of real and of fake trials.
        """
        found, drawn = [], []
        own = self._effects()
        for rate in rates:
            # Half of a detector's errors are its own, a fifth of these its round's.
            effects = (
                math.sqrt(0.5) * self.common
                + math.sqrt(0.4) * own
                + math.sqrt(0.1) * self._effects()
            )
            centre = -ndtri(rate)
            scores = np.where(
                self.real, scale[0] * (centre + effects), scale[1] * (effects - centre)
            )
            found.append(100 * eer(scores[self.real], scores[~self.real])[0])
            trials = RankedTrials(scores, self.real, self.drawn)
            drawn.append(100 * trials.weighted_eers(self.weights))
        values = np.array(found)
        sample = sample_of_rates(values, np.stack(drawn), self.fewest)
        return Rounds(values, {self.corpus.name: sample}, trained=len(rates) > 1)


def rates_and_differences(
    name: str, corpus: Corpus, rate: float, simulations: int, *, independent: bool = False
) -> Iterator[Row]:
    """Cover one EER, and the difference of two detectors whose EERs are the same."""
    held = np.zeros(2)
    for number in range(simulations):
        data = Simulated(corpus, number, independent=independent)
        a, b = data.rounds([rate]), data.rounds([rate])
        one, difference = rate_over_rounds(a), difference_of_means(a, b)
        held += [one.low <= 100 * rate <= one.high, difference.p_value >= LEVEL]
    bounds = "-" if independent else "92 to 98 %"
    yield f"{name}: EER {rate:.1%}", simulations, held[0] / simulations, bounds
    yield f"{name}: difference", simulations, held[1] / simulations, bounds


def rounds_and_averages(
    name: str, corpora: Sequence[Corpus], simulations: int, spread: float, bounds: str
) -> Iterator[Row]:
    """Cover a mean over three rounds and corpora, and a difference of two, at an EER of 10 %."""
    held = np.zeros(2)
    for number in range(simulations):
        generator = np.random.default_rng([number, 1])
        # A training is as good on one corpus as on another, for half of the variance of rounds.
        trained = generator.normal(size=(2, len(corpora) + 1, 3))
        rows = []
        for own in trained:
            shift = spread * (own[:-1] + own[-1]) / math.sqrt(2)
            rates = 0.1 * (1 + shift) if spread else np.full((len(corpora), 1), 0.1)
            rows.append((corpora, np.clip(rates, 0.001, 0.5)))
        data = [Simulated(corpus, number) for corpus in corpora]
        a, b = (
            average([one.rounds(rate.tolist()) for one, rate in zip(data, rates, strict=True)])
            for _, rates in rows
        )
        one, difference = rate_over_rounds(a), difference_of_means(a, b)
        held += [one.low <= 10 <= one.high, difference.p_value >= LEVEL]
    yield f"{name}: EER", simulations, held[0] / simulations, bounds
    yield f"{name}: difference", simulations, held[1] / simulations, bounds


def sizes(simulations: int) -> Iterator[Row]:
    """Reject equal EERs of 10 % at the level of 5 %, whatever the spread of scores."""
    for name, clusters, scale in (
        ("equal spreads", (60, 60), (1.0, 1.0)),
        ("real 3 times as wide", (60, 60), (3.0, 1.0)),
        ("fake 3 times as wide", (60, 60), (1.0, 3.0)),
        ("60 real clusters, 600 fake", (60, 600), (1.0, 1.0)),
    ):
        corpus = Corpus("tests", clusters, 6, 0.3)
        rejected = 0
        for number in range(simulations):
            data = Simulated(corpus, number)
            a, b = (data.rounds([0.1], scale) for _ in "ab")
            rejected += difference_of_means(a, b).p_value < LEVEL
        yield f"test of a difference, {name}", simulations, rejected / simulations, "3 to 7 %"


def _points(
    generator: np.random.Generator, clusters: int, each: int
) -> tuple[np.ndarray, list[str]]:
    """Draw standard normal points in 6 dimensions, four fifths of whose variance is a cluster's."""
    shared = np.repeat(generator.normal(size=(clusters, 6)), each, axis=0)
    names = [str(number) for number in np.repeat(np.arange(clusters), each)]
    return (2 * shared + generator.normal(size=shared.shape)) / math.sqrt(5), names


def drifts(simulations: int) -> Iterator[Row]:
    """Cover the W1 distance of shifted normals, and its difference between two detectors."""
    for shift, other in ((0.1, 0.1), (0.3, 0.3), (1.0, 0.8)):
        held = np.zeros(2)
        for number in range(simulations):
            generator = np.random.default_rng([number, 2])
            (x, of_x), (y, of_y) = _points(generator, 60, 5), _points(generator, 300, 1)
            # The second detector sees the same trials: its embeddings are correlated by 0.8.
            x_other, y_other = (
                0.8 * one + 0.6 * _points(generator, *size)[0]
                for one, size in ((x, (60, 5)), (y, (300, 1)))
            )
            first, second = (
                sample_drift(
                    ClusteredPoints(test, of_x, "test"),
                    ClusteredPoints(base, of_y, "reference"),
                    replicates=150,
                    seed=number,
                )
                for test, base in ((x + shift, y), (x_other + other, y_other))
            )
            one = first.interval()
            held += [one.low <= shift <= one.high, _holds(first, second, shift - other)]
        bounds = "90 to 98 %"
        yield f"drift of a shift of {shift}", simulations, held[0] / simulations, bounds
        name = f"difference of drifts, shifts {shift} and {other}"
        yield name, simulations, held[1] / simulations, bounds


def _holds(first: SampledDrift, second: SampledDrift, true: float) -> bool:
    """Say whether the interval of a difference of drifts holds the true one."""
    found = Drifts({("a", "set"): [first], ("b", "set"): [second]}, [], ["set"]).difference(
        ("a", "set"), ("b", "set")
    )
    assert found is not None
    return found.low <= true <= found.high


# Clusters of the four out-of-domain sets, and standard deviations of a cluster and of a training.
CLAIM_CLUSTERS = (54, 8, 200, 300)
CLUSTER_SPREAD, TRAINING_SPREAD = 6.0, 0.8


class SimulatedTable:
    """Figures of two algorithms of three models on four sets, all truly the same."""

    def __init__(self, seed: int) -> None:
        self.generator = np.random.default_rng([seed, 3])
        self.weights = [
            np.concatenate(
                list(weight_chunks(cluster_keys([str(n) for n in range(count)], str(count), seed),
                                   REPLICATES))
            ).astype(float)
            for count in CLAIM_CLUSTERS
        ]  # fmt: skip
        self.models = [self._differences() for _ in range(3)]

    def _row(self) -> list[Rounds]:
        parts = []
        for weights in self.weights:
            count = weights.shape[1]
            clusters = self.generator.normal(0, CLUSTER_SPREAD, count)
            with np.errstate(invalid="ignore", divide="ignore"):
                drawn = weights @ clusters / weights.sum(axis=1)
            trained = self.generator.normal(0, TRAINING_SPREAD, 3)
            sample = Sample(drawn - clusters.mean(), count)
            parts.append(Rounds(10 + clusters.mean() + trained, {str(count): sample}))
        return parts

    def _differences(self) -> list[Difference]:
        a, b = self._row(), self._row()
        pairs = [*zip(a, b, strict=True), (average(a), average(b))]
        found = [(one, other, difference_of_means(one, other)) for one, other in pairs]
        return [Difference(one.mean, other.mean, e.error, e.freedom) for one, other, e in found]


def verdicts(simulations: int) -> Iterator[Row]:
    """Contradict claims of each kind by chance, all differences being truly zero."""
    kinds = {
        "lower on each set": ("lower", slice(0, 4), False),
        "higher on most sets": ("higher", slice(0, 4), True),
        "lower on average": ("lower", slice(4, 5), False),
        "equal on each set": ("equal", slice(0, 4), False),
        "equal on average": ("equal", slice(4, 5), False),
        "not higher on each set": ("not higher", slice(0, 4), False),
    }
    contradicted, supported = dict.fromkeys(kinds, 0), dict.fromkeys(kinds, 0)
    for number in range(simulations):
        table = SimulatedTable(number)
        for kind, (expected, part, most) in kinds.items():
            tests = [[ClaimTest("set", one, expected) for one in model[part]]
                     for model in table.models]  # fmt: skip
            found = [one.verdict for one in judge(tests, most=most)]
            contradicted[kind] += "contradicted" in found
            supported[kind] += set(found) == {"supported"}
    for kind in kinds:
        share = contradicted[kind] / simulations
        yield f"claim contradicted by chance, {kind}", simulations, share, "at most 6.5 %"
    for kind, (expected, _, _) in kinds.items():
        if expected in ("lower", "higher"):
            share = supported[kind] / simulations
            yield f"claim supported by chance, {kind}", simulations, share, "at most 5 %"


def training_runs(generator: np.random.Generator, runs: int, slope: float) -> np.ndarray:
    """Draw log divergences and changes of three steps of runs, which differ in both."""
    own = generator.normal(size=(2, runs, 1))
    of_step = generator.normal(size=(2, runs, 3))
    divergence = np.log([0.01, 0.05, 0.2]) + own[0] + 0.2 * of_step[0]
    change = slope * divergence + own[1] + 0.3 * of_step[1]
    return np.stack([divergence.ravel(), change.ravel()])


def percentiles(
    function: Correlation, x: np.ndarray, y: np.ndarray, runs: int, generator: np.random.Generator
) -> tuple[float, float]:
    """Return the interval that a bootstrap over runs would give: percentiles."""
    drawn = generator.multinomial(runs, np.full(runs, 1 / runs), size=REPLICATES)
    values = function(x, y, np.repeat(drawn, 3, axis=1).astype(np.float64))
    low, high = np.nanquantile(values, (LEVEL / 2, 1 - LEVEL / 2))
    return float(low), float(high)


def correlations(simulations: int) -> Iterator[Row]:
    """Simulate intervals of rank correlations over runs: ours, and those of a bootstrap."""
    for function, (slope, runs) in product((spearman, kendall), ((0.0, 6), (0.5, 6), (0.5, 24))):
        generator = np.random.default_rng(7)
        drawn = [training_runs(generator, runs, slope) for _ in range(4 * simulations)]
        truth = float(np.mean([function(x, y, None)[0] for x, y in drawn]))
        held = {"": 0, ", bootstrap": 0}
        groups = np.repeat(np.arange(runs), 3).tolist()
        for x, y in drawn[:simulations]:
            ours = correlation_interval(function, x, y, groups)
            theirs = percentiles(function, x, y, runs, generator)
            for words, (low, high) in zip(held, (ours, theirs), strict=True):
                held[words] += low <= truth <= high
        name = f"correlation ({function.__name__}) of {abs(truth):.2f}, {runs} runs"
        for words, count in held.items():
            bounds = "-" if words else "92 to 98 %"
            yield f"{name}{words}", simulations, count / simulations, bounds


def parts(simulations: int) -> list[Callable[[], Iterator[Row]]]:
    """List all simulations; tests and verdicts four times as often as coverage."""
    listed: list[Callable[[], Iterator[Row]]] = []
    for share in (0.05, 0.1, 0.2):
        corpus = Corpus(SPEAKERS.name, SPEAKERS.clusters, SPEAKERS.trials, share, mixed=True)
        name = f"54 speakers, correlation {share}"
        listed.append(lambda c=corpus, n=name: rates_and_differences(n, c, 0.1, simulations))
        listed.append(
            lambda c=corpus, n="  the same, drawing clips": rates_and_differences(
                n, c, 0.1, simulations // 5, independent=True
            )
        )
    small = Corpus("small", (200, 200), 10, 0.3)
    listed += [
        lambda: rates_and_differences("40 recordings a class", RECORDINGS, 0.1, simulations),
        lambda: rates_and_differences("200 recordings a class", small, 0.005, simulations),
        lambda: rounds_and_averages(
            "average with a corpus of 8 voices", [SPEAKERS, VOICES, MANY, RECORDINGS],
            simulations, 0.0, "at least 90 %",
        ),
        lambda: rounds_and_averages(
            "three rounds, spread of 10 %", [RECORDINGS], simulations, 0.1, "92 to 98 %"
        ),
        lambda: rounds_and_averages(
            "average, 8 voices, three rounds", [SPEAKERS, VOICES, MANY, RECORDINGS],
            simulations, 0.1, "at least 90 %",
        ),
        lambda: drifts(simulations),
        lambda: correlations(simulations),
        lambda: sizes(4 * simulations),
        lambda: verdicts(4 * simulations),
    ]  # fmt: skip
    return listed


def main() -> None:
    """Print a line for each thing simulated."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=500)
    parser.add_argument("--quick", action="store_true", help="50 simulations instead of 500")
    options = parser.parse_args()
    sys.stdout.write("simulated                                     times   share  should be\n")
    for part in parts(50 if options.quick else options.simulations):
        for name, times, share, bounds in part():
            sys.stdout.write(f"{name:58s} {times:6d}  {share:6.1%}  {bounds}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
