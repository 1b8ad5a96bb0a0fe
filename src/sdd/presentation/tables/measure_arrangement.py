"""The arrangement of further measures of the cells, each as Table 1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sdd.analysis.measure_tables import mean_table
from sdd.presentation.numbers import decimals
from sdd.presentation.tables.arrangement import (
    MISSING,
    Arrangement,
    Shown,
    arrange_columns,
    arrange_rows,
    legend_of_gaps,
)


@dataclass(frozen=True)
class Measure:
    """Two columns of eer.csv that are read beside each other.

    Attributes
    ----------
    upper, lower
        The columns: text of a cell, and the small text below it.
    """

    heading: str
    upper: str
    lower: str
    legend: str


MEASURES = (
    Measure(
        "Fakes accepted and real rejected at the threshold of the validation set (%)",
        "far_at_validation_percent",
        "frr_at_validation_percent",
        "Share of fakes accepted, and below it of real recordings rejected, at the threshold where "
        "the validation set has its EER: what a user gets who takes it from there. Both are the "
        "EER where the threshold has not moved.",
    ),
    Measure(
        "Detection cost: minDCF and actDCF",
        "min_dcf",
        "act_dcf",
        "minDCF, and below it actDCF: fakes are 5 % of what is heard, and accepting one costs ten "
        "times what rejecting a real recording does (ASVspoof 5). 1 costs as much as no detector.",
    ),
    Measure(
        "Calibration: Cllr_{min} and Cllr (bits)",
        "cllr_min",
        "cllr",
        "Cllr_{min}, and below it Cllr, of the difference of the logits as a log-likelihood ratio. "
        "The one is what the best calibration would leave of the other; 1 is of no use.",
    ),
    Measure(
        "What calibration is worth: Cllr before and after (bits)",
        "cllr_calibrated",
        "cllr",
        "Cllr of the likelihood ratios that a calibration on the validation set makes of the "
        "scores, and below it what it was. A set unlike the validation set may be worse for it: "
        "Cllr_{min} above is what a calibration of its own would leave.",
    ),
    Measure(
        "Calibrated decisions: actDCF and scores beyond the calibration (%)",
        "act_dcf_calibrated",
        "beyond_calibration_percent",
        "actDCF of calibrated scores, and below it the share of scores that lie beyond those of "
        "the validation set, where the calibration says what it has never seen.",
    ),
    Measure(
        "Area under the ROC curve, and EER (%)",
        "auc_percent",
        "eer_percent",
        "How often a real recording scores above a fake one, and below it the EER.",
    ),
)


def arrange_measure(
    measure: Measure, cells: Sequence[Mapping[str, Any]], contents: Mapping[str, Any]
) -> Arrangement | None:
    """Arrange means over rounds of a measure; None where nothing was measured.

    Parameters
    ----------
    cells
        As `sdd.analysis.cell_tables.read_cells` returns them of eer.csv.
    contents
        As `sdd.experiment.contents.table1` returns it.
    """
    shape = contents["rows"], (contents["in_domain"], contents["out_of_domain"])
    upper, lower = (mean_table(cells, name, *shape) for name in (measure.upper, measure.lower))
    groups = arrange_columns(upper, contents["labels"], contents["group_titles"])
    keys = [column.key for group in groups for column in group.columns]
    pairs = np.stack([table[keys].to_numpy(dtype=np.float64) for table in (upper, lower)], axis=2)
    if np.isnan(pairs).all():
        return None
    shown = [[_cell(*pair) for pair in row] for row in pairs.tolist()]
    rows = arrange_rows(upper, shown, contents["labels"])
    return Arrangement(groups, rows, measure.legend + legend_of_gaps(shown))


def _cell(upper: float, lower: float) -> Shown:
    text, small = decimals(upper), decimals(lower)
    return Shown(text, "" if small == MISSING else small)
