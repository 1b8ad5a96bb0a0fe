"""The files of the paper's experiment as a report reads them, with made-up numbers in them.

They have the paper's size: 17 rows, 11 columns, 51 cells, two recipes.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.image import imsave

from sdd.analysis.claims.eer_statements import pairs_of_claims
from sdd.analysis.table1 import identities, read_table, value_columns, write_csv
from sdd.experiment import contents, tree
from sdd.experiment.cells import Cell
from sdd.experiment.experiment import Experiment
from sdd.presentation.report.report import FIGURES, write_report
from sdd.runtime.csv_rows import write_rows
from tests.helpers.experiments import experiment
from tests.helpers.paths import CHECKOUT, RESOURCES

PAPER = RESOURCES / "table1.csv"
ERROR = 0.6
"""Standard error of each difference: some claims are then decided, others are not."""
MEASURES = {
    "threshold": 0.1, "n_real": 500, "n_fake": 900, "auc_percent": 97.0, "min_dcf": 0.31,
    "act_dcf": 0.52, "cllr": 0.4, "cllr_min": 0.3, "validation_eer_percent": 0.4,
    "validation_threshold": 1.2, "frr_at_validation_percent": 12.5,
    "far_at_validation_percent": 33.3, "pooled_eer_percent": 12.3,
}  # fmt: skip


def write_made_up_report(folder: Path, *, rounds: int) -> Path:
    """Write the files of the paper's experiment with so many rounds, and their report."""
    of = experiment(f"{{rounds: {rounds}}}")
    table = read_table(PAPER)
    for recipe in of.config["recipes"]:
        _write_cells(folder, recipe, of, table)
    shown = contents.report(of, "as_written")
    shown["drift_cells"] = []
    place = {"results": folder, "recipe": "as_written"}
    measured = table.copy()
    measured[value_columns(table)] += 1.0
    write_csv(measured, f"{tree.path(tree.TABLE1, **place)}.csv")
    write_rows(tree.path(tree.INTERVALS, **place), _intervals(table, rounds))
    write_rows(tree.path(tree.COMPARISONS, **place), _comparisons(table, rounds))
    _write_figures(tree.path(tree.FIGURES, **place))
    report = tree.path(tree.REPORT, **place)
    write_report(
        report,
        results=folder,
        recipe="as_written",
        paper=PAPER,
        repository=CHECKOUT,
        contents=shown,
    )
    return report


def _write_cells(folder: Path, recipe: str, of: Experiment, table: pd.DataFrame) -> None:
    rows = dict(zip(identities(table), table.to_dict("records"), strict=True))
    for cell in of.cells():
        row = rows[cell.model, cell.init, cell.algorithm]
        place = {"results": folder, "recipe": recipe, "cell": cell.path}
        write_rows(
            tree.path(tree.EER, **place),
            [{"test_set": name, "eer_percent": row[name], **MEASURES} for name in of.test_sets],
        )
        write_rows(tree.path(tree.BREAKDOWN, **place), _groups(of.test_sets[-1], cell))
        write_rows(tree.path(tree.HISTORY, **place), [{"step": 50_000, "wall_time": 90_000.0}])
        log = tree.path(tree.FINETUNING_LOG, **place)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("2026 INFO device: cuda:0, NVIDIA H100 80GB HBM3\n")


def _groups(test_set: str, cell: Cell) -> list[dict[str, object]]:
    rates = {"n_real": 5, "n_fake": 9, "eer_percent": 4.0, "frr_percent": 3.0, "far_percent": 5.0}
    return [
        {"test_set": test_set, "by": "speaker", "group": name, **rates}
        for name in ("Ada Lovelace", "a-name-that-has-no-blank-in-it-and-goes-on_and_on" * 2)
    ]


def _intervals(table: pd.DataFrame, rounds: int) -> list[dict[str, object]]:
    return [
        {
            **dict(zip(("model", "init", "algorithm"), identity, strict=True)),
            "test_set": name, "eer_percent": value, "low": value - 1.25, "high": value + 1.25,
            "rounds": rounds, "clusters": 54, "drawn": "speakers", "note": "",
        }
        for identity, row in zip(identities(table), table.to_dict("records"), strict=True)
        for name, value in row.items()
        if name in value_columns(table)
    ]  # fmt: skip


def _comparisons(table: pd.DataFrame, rounds: int) -> list[dict[str, object]]:
    values = dict(zip(identities(table), table.to_dict("records"), strict=True))
    rows = []
    for a, b in pairs_of_claims(identities(table)):
        for name in value_columns(table):
            difference = values[a][name] - values[b][name]
            sides = zip((*_named(a, "a"), *_named(b, "b")), (*a, *b), strict=True)
            rows.append(
                {
                    **dict(sides), "test_set": name, "eer_a": values[a][name],
                    "eer_b": values[b][name], "difference": difference,
                    "low": difference - 2 * ERROR, "high": difference + 2 * ERROR,
                    "p_value": 0.04, "p_holm": 0.12, "standard_error": ERROR, "freedom": 53.0,
                    "smallest": 2 * ERROR, "rounds_a": rounds, "rounds_b": rounds,
                    "clusters": 54, "drawn": "speakers",
                    "note": "one training" if rounds == 1 else "",
                }
            )  # fmt: skip
    return rows


def _named(identity: tuple[str, str, str], side: str) -> list[str]:
    return [f"{name}_{side}" for name in ("model", "init", "algorithm")]


def _write_figures(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in FIGURES:
        for suffix, size in (("", (900, 1400)), ("_narrow", (1500, 840))):
            imsave(folder / f"{name}{suffix}.png", np.full((*size, 3), 230, dtype=np.uint8))
