"""What calibrated scores of recordings say: the ratio, the probability, and a decision."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sdd.errors import InputError
from sdd.metrics.affine_calibration import probability_of_fake
from sdd.metrics.detection_costs import CostModel
from sdd.scoring.calibrations import Calibration, log_likelihood_ratios

JUDGED_COLUMNS = ("log_likelihood_ratio", "calibrated_probability_fake", "decision")


@dataclass(frozen=True)
class Judge:
    """A calibration, how often fakes are to be expected, and what either error costs."""

    calibration: Calibration
    costs: CostModel

    def judged(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the row of a recording or window with what its logits say.

        Its columns `JUDGED_COLUMNS` stand before its notes, and a note says where its score lies
        beyond those that the calibration was fitted on.
        """
        logits = np.array([[row["logit_fake"], row["logit_real"]]], dtype=np.float64)
        values = log_likelihood_ratios(logits)
        ratio = self.calibration.ratios(values)
        judged = {
            "log_likelihood_ratio": float(ratio[0]),
            "calibrated_probability_fake": float(
                probability_of_fake(ratio, self.costs.prior_fake)[0]
            ),
            "decision": "real" if ratio[0] > self.costs.threshold else "fake",
        }
        notes = [row["notes"]] if row["notes"] else []
        if self.calibration.beyond(values)[0]:
            notes.append(self._beyond(float(values[0])))
        rest = {key: value for key, value in row.items() if key != "notes"}
        return {**rest, **judged, "notes": "; ".join(notes)}

    def _beyond(self, value: float) -> str:
        return (
            f"beyond the calibration: score {value:.4g}, and it was fitted on "
            f"{self.calibration.lowest:.4g} to {self.calibration.highest:.4g}"
        )


def make_judge(
    calibration: Calibration, prior_fake: float | None, cost_miss: float, cost_false_alarm: float
) -> Judge:
    """Make a judge of recordings, whose scores are differences of logits.

    Parameters
    ----------
    prior_fake
        None for that of the calibration.

    Raises
    ------
    InputError
        If the calibration is of single scores.
    """
    if calibration.scores != "difference of logits":
        raise InputError(
            f"The calibration is of: {calibration.scores}; recordings get two logits. Calibrate on "
            "scores of this detector with both (Parquet, or AntiDeepfake's CSV)."
        )
    prior = calibration.prior_fake if prior_fake is None else prior_fake
    return Judge(calibration, CostModel(prior, cost_miss, cost_false_alarm))
