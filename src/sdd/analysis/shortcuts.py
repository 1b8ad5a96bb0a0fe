"""Shortcuts: how well trivial features tell real from fake, as error rates with intervals.

A logistic regression of standardised features, trained on the training set and applied to every
other set, and within each set by cross-validation. Where it does well, so may a detector that has
learned nothing about speech.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sdd.analysis.clusters import Rule, read_clusters
from sdd.data.segments import read_segments
from sdd.errors import InputError
from sdd.metrics.bootstrap import REPLICATES, RankedTrials, cluster_keys, weight_chunks
from sdd.metrics.error_rates import eer
from sdd.metrics.estimates import (
    FEW_CLUSTERS,
    FEWEST_CLUSTERS,
    Rounds,
    rate_over_rounds,
    sample_of_rates,
)
from sdd.runtime.parquet import open_parquet, read_parquet

FloatArray = npt.NDArray[np.float64]

FLAGGED_BELOW = 25.0
"""EER in percent below which features are a shortcut."""
FOLDS = 5
WITHIN = "itself"
"""In place of a set that is trained on: cross-validation."""
ALL = "all"
TOGETHER = ("duration", "level")
"""Groups of features that are also looked at as one."""
COLUMNS = (
    *("corpus", "test_set", "trained_on", "features", "eer_percent", "low", "high", "flagged"),
    *("n_real", "n_fake", "clusters", "drawn", "note"),
)


@dataclass(frozen=True)
class FeatureTable:
    """The trivial features of a set of N segments.

    Attributes
    ----------
    values
        ``float64 [N, F]``.
    names
        Of the F features, `group.feature`.
    real
        ``bool [N]``.
    cluster
        Name of each segment's cluster, which is drawn and kept in one fold whole.
    drawn
        What clusters are, such as `speakers`.
    """

    name: str
    corpus: str
    values: FloatArray
    names: list[str]
    real: npt.NDArray[np.bool_]
    cluster: list[str]
    drawn: str

    @property
    def fewest_clusters(self) -> int:
        """Clusters of the class that has fewer."""
        names = np.array(self.cluster)
        return min(len(set(names[self.real])), len(set(names[~self.real])))

    @property
    def groups(self) -> dict[str, list[int]]:
        """Return the columns of each group of features: all, one by one, and two together."""
        alone: dict[str, list[int]] = {}
        for column, name in enumerate(self.names):
            alone.setdefault(name.partition(".")[0], []).append(column)
        together = sorted(column for group in TOGETHER for column in alone.get(group, []))
        groups = {ALL: list(range(len(self.names))), **alone, ", ".join(TOGETHER): together}
        return {group: columns for group, columns in groups.items() if columns}


def read_features(features: Path, table: Path, corpus: str, rule: Rule) -> FeatureTable:
    """Read the features of a set.

    Parameters
    ----------
    features, table
        What `sdd.data.trivial_features.write_features` wrote, and the set's segment table, whose
        name is the set's.
    rule
        `clusters` of the corpus in the config.

    Raises
    ------
    InputError
        If a file is missing or damaged, they are of different segments, or a class is missing.
    """
    segments, clusters = read_segments(table), read_clusters(table, rule)
    # First, since it says in words what is wrong with a file.
    names = read_parquet(features, ["segment_id"]).column("segment_id").to_pylist()
    if names != segments.segment_id:
        raise InputError(
            f"{features} is of other segments than {table}: delete it to have it made again"
        )
    missing = {"real", "fake"} - set(segments.label)
    if missing:
        raise InputError(f"{table} has no {missing.pop()} segment: error rates need both classes")
    with open_parquet(features) as file:
        found = file.read().drop_columns("segment_id")
    return FeatureTable(
        table.stem,
        corpus,
        np.stack([column.to_numpy() for column in found.columns], axis=1),
        found.column_names,
        segments.is_real,
        [clusters.of_segment[name] for name in segments.segment_id],
        clusters.drawn,
    )


def shortcut_rows(
    sets: Iterable[FeatureTable],
    training: FeatureTable | None,
    *,
    seed: int = 0,
    replicates: int = REPLICATES,
) -> list[dict[str, Any]]:
    """Measure how well trivial features tell real from fake in each set.

    Parameters
    ----------
    sets
        The training set may be among them.
    training
        The set that is trained on; None where nothing is.
    seed
        Of the draws of clusters, as for all intervals.

    Returns
    -------
    list of dict
        `COLUMNS`, a row for each set, group of features, and way of training: on the training set,
        or within the set by cross-validation whose folds keep clusters whole. EER and its 95 %
        interval in percent, of the draw of clusters alone; NaN where there are too few of them.
    """
    rows = []
    for table in sets:
        ways: dict[str, FeatureTable | None] = {WITHIN: None}
        if training is not None and training.name != table.name:
            ways = {training.name: training, **ways}
        for trained_on, other in ways.items():
            scores = {
                group: _scores_within(table, columns)
                if other is None
                else _scores_of(other, table, columns)
                for group, columns in table.groups.items()
            }
            shared: set[str] = set() if other is None else _shared(table, other)
            note = f"{len(shared)} {table.drawn} are in {trained_on}, too" if shared else ""
            rows += _rows(table, trained_on, scores, note, seed, replicates)
    return rows


def _rows(
    table: FeatureTable,
    trained_on: str,
    scores: Mapping[str, FloatArray | None],
    note: str,
    seed: int,
    replicates: int,
) -> list[dict[str, Any]]:
    """Make the rows of one set and one way of training, of the scores by group of features."""
    known = {group: values for group, values in scores.items() if values is not None}
    rates = dict(zip(known, _measure(table, known.values(), seed, replicates), strict=True))
    identity = {"corpus": table.corpus, "test_set": table.name, "trained_on": trained_on}
    rows = []
    for group in scores:
        value, low, high = rates.get(group, (np.nan,) * 3)
        rows.append(
            {
                **identity,
                "features": group,
                "eer_percent": value,
                "low": low,
                "high": high,
                "flagged": "yes" if value < FLAGGED_BELOW else "no",
                "n_real": int(table.real.sum()),
                "n_fake": int((~table.real).sum()),
                "clusters": table.fewest_clusters,
                "drawn": table.drawn,
                "note": "; ".join(filter(None, [note, _note(table, measured=group in rates)])),
            }
        )
    return rows


def _shared(table: FeatureTable, training: FeatureTable) -> set[str]:
    """Return the clusters that are in both sets."""
    same = table.corpus == training.corpus
    return set(table.cluster) & set(training.cluster) if same else set()


def _note(table: FeatureTable, *, measured: bool) -> str:
    few = f"{table.fewest_clusters} {table.drawn} of {table.corpus}: fewer than"
    if not measured:
        return f"{few} 2 of a class in the folds that are trained on: no cross-validation"
    if table.fewest_clusters < FEWEST_CLUSTERS:
        return f"{few} {FEWEST_CLUSTERS} give no interval"
    return f"{few} {FEW_CLUSTERS}" if table.fewest_clusters < FEW_CLUSTERS else ""


def _measure(
    table: FeatureTable, scores: Iterable[FloatArray], seed: int, replicates: int
) -> list[tuple[float, float, float]]:
    """Return EER and interval of each of some scores, under the same resamplings of clusters."""
    names = sorted(set(table.cluster))
    number = {name: place for place, name in enumerate(names)}
    units = np.array([number[name] for name in table.cluster])
    scores = list(scores)
    ranked = [RankedTrials(values, table.real, units) for values in scores]
    drawn = [
        [one.weighted_eers(weights) for one in ranked]
        for weights in weight_chunks(cluster_keys(names, table.corpus, seed), replicates)
    ]
    result = []
    for place, values in enumerate(scores):
        rates = 100 * np.array([eer(values[table.real], values[~table.real])[0]])
        resampled = 100 * np.concatenate([piece[place] for piece in drawn])[None]
        sample = sample_of_rates(rates, resampled, table.fewest_clusters)
        estimate = rate_over_rounds(Rounds(rates, {table.corpus: sample}, trained=False))
        result.append((estimate.value, estimate.low, estimate.high))
    return result


def _scores_of(training: FeatureTable, table: FeatureTable, columns: Sequence[int]) -> FloatArray:
    """Train on one set, and return log-odds of real of another, ``float64 [N]``."""
    score = _trained(training.values[:, columns], training.real)
    return np.asarray(score(table.values[:, columns]), dtype=np.float64)


def _scores_within(table: FeatureTable, columns: Sequence[int]) -> FloatArray | None:
    """Return the log-odds of each segment by what was trained on the other folds.

    None where there are too few clusters for folds with both classes.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    folds = min(FOLDS, table.fewest_clusters)
    if folds < 2:
        return None
    values, scores = table.values[:, columns], np.empty(len(table.real))
    splitter = StratifiedGroupKFold(folds)
    for rest, held_out in splitter.split(values, table.real, table.cluster):
        if len(set(table.real[rest].tolist())) < 2:
            return None
        scores[held_out] = _trained(values[rest], table.real[rest])(values[held_out])
    return scores


def _trained(values: FloatArray, real: npt.NDArray[np.bool_]) -> Any:  # noqa: ANN401 (untyped)
    """Return the function that gives log-odds of real: L2 penalty of 1, classes weigh the same."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    regression = LogisticRegression(C=1.0, class_weight="balanced", max_iter=1000)
    # The same to the bit on any number of cores; of so few numbers threads only make it slower.
    with threadpool_limits(1):
        fitted = make_pipeline(StandardScaler(), regression).fit(values, real)
    return fitted.decision_function
