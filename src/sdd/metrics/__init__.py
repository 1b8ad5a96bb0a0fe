"""How sure error rates are: between rounds, over recordings, and of one algorithm against another.

`rounds` takes means over the few rounds of training, `bootstrap` resamples the sources that trials
come from, `estimates` puts both into one interval, and `comparison` tests two algorithms on the
same trials. Nothing here imports scipy.stats, which takes seconds.
"""

from sdd.metrics.bootstrap import (
    REPLICATES,
    RankedTrials,
    percentile_interval,
    poisson_weights,
    root_interval,
    source_keys,
    weight_chunks,
)
from sdd.metrics.estimates import (
    Estimate,
    Rounds,
    average,
    difference_of_means,
    mean_over_rounds,
)
from sdd.metrics.permutation import errors_by_source, holm, permutation_test
from sdd.metrics.rounds import mean_and_spread, t_interval

__all__ = [
    "REPLICATES",
    "Estimate",
    "RankedTrials",
    "Rounds",
    "average",
    "difference_of_means",
    "errors_by_source",
    "holm",
    "mean_and_spread",
    "mean_over_rounds",
    "percentile_interval",
    "permutation_test",
    "poisson_weights",
    "root_interval",
    "source_keys",
    "t_interval",
    "weight_chunks",
]
