"""Error rates, their confidence intervals, comparisons and drifts: numpy, no torch.

`error_rates` has the EER; `detection_costs` what errors cost; `calibration` how good scores are as
likelihood ratios; `rounds` the mean over the few rounds of training; `bootstrap` resamples the
clusters that trials come from; `estimates` puts both into one interval and one p value;
`multiplicity` corrects for many tests; `drift` and `drift_interval` measure how far embeddings are
from those of a reference set. The names below are imported when they are first used.
"""

from typing import TYPE_CHECKING

from sdd import lazy_names

if TYPE_CHECKING:
    from sdd.metrics.bootstrap import (
        REPLICATES,
        RankedTrials,
        cluster_keys,
        poisson_weights,
        weight_chunks,
    )
    from sdd.metrics.calibration import calibration_bins, cllr, cllr_min
    from sdd.metrics.detection_costs import ASVSPOOF5, CostModel, act_dcf, min_dcf
    from sdd.metrics.drift import wasserstein_per_dimension
    from sdd.metrics.drift_interval import ClusteredPoints, sample_drift
    from sdd.metrics.eer_interval import eer_with_interval
    from sdd.metrics.error_rates import (
        area_under_curve,
        detection_error_tradeoff,
        eer,
        selection_der,
    )
    from sdd.metrics.estimates import (
        Estimate,
        Rounds,
        Sample,
        average,
        difference_of_means,
        mean_over_rounds,
        rate_over_rounds,
    )
    from sdd.metrics.multiplicity import holm, partial_conjunction
    from sdd.metrics.rounds import mean_and_spread, t_interval

__all__ = [
    "ASVSPOOF5",
    "REPLICATES",
    "ClusteredPoints",
    "CostModel",
    "Estimate",
    "RankedTrials",
    "Rounds",
    "Sample",
    "act_dcf",
    "area_under_curve",
    "average",
    "calibration_bins",
    "cllr",
    "cllr_min",
    "cluster_keys",
    "detection_error_tradeoff",
    "difference_of_means",
    "eer",
    "eer_with_interval",
    "holm",
    "mean_and_spread",
    "mean_over_rounds",
    "min_dcf",
    "partial_conjunction",
    "poisson_weights",
    "rate_over_rounds",
    "sample_drift",
    "selection_der",
    "t_interval",
    "wasserstein_per_dimension",
    "weight_chunks",
]

__getattr__ = lazy_names(
    __name__,
    {
        "ASVSPOOF5": "detection_costs",
        "REPLICATES": "bootstrap",
        "ClusteredPoints": "drift_interval",
        "CostModel": "detection_costs",
        "Estimate": "estimates",
        "RankedTrials": "bootstrap",
        "Rounds": "estimates",
        "Sample": "estimates",
        "act_dcf": "detection_costs",
        "area_under_curve": "error_rates",
        "average": "estimates",
        "calibration_bins": "calibration",
        "cllr": "calibration",
        "cllr_min": "calibration",
        "detection_error_tradeoff": "error_rates",
        "difference_of_means": "estimates",
        "eer": "error_rates",
        "eer_with_interval": "eer_interval",
        "holm": "multiplicity",
        "mean_and_spread": "rounds",
        "mean_over_rounds": "estimates",
        "min_dcf": "detection_costs",
        "partial_conjunction": "multiplicity",
        "poisson_weights": "bootstrap",
        "rate_over_rounds": "estimates",
        "sample_drift": "drift_interval",
        "selection_der": "error_rates",
        "cluster_keys": "bootstrap",
        "t_interval": "rounds",
        "wasserstein_per_dimension": "drift",
        "weight_chunks": "bootstrap",
    },
)
