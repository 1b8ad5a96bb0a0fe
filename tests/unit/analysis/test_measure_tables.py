"""Means and spreads over rounds by hand."""

import math

import numpy as np
import pytest

from sdd.analysis.measure_tables import mean_table, spread_table
from sdd.analysis.table1 import assemble_table

ROWS = [("m", "post", "sft"), ("m", "post", "none")]
DOMAINS = (["a", "b"], ["c"])


def cell(algorithm, number, test_set, value):
    identity = {"model": "m", "init": "post", "algorithm": algorithm, "round": number}
    return {**identity, "test_set": test_set, "eer_percent": str(value), "cllr": str(value / 10)}


CELLS = [
    *(cell("sft", 1, *pair) for pair in (("a", 1.0), ("b", 3.0), ("c", 5.0))),
    *(cell("sft", 2, *pair) for pair in (("a", 3.0), ("b", 5.0), ("c", math.nan))),
    cell("none", 1, "a", 8.0),
]


def test_means_over_rounds_and_domains():
    table = mean_table(CELLS, "cllr", ROWS, DOMAINS)
    columns = ["row", "model", "init", "algorithm", "a", "b", "in_domain_avg", "c"]
    assert list(table.columns) == [*columns, "out_of_domain_avg"]
    assert table["row"].tolist() == [1, 2]
    expected = [[0.2, 0.4, 0.3, 0.5, 0.5], [0.8, math.nan, math.nan, math.nan, math.nan]]
    np.testing.assert_allclose(table.iloc[:, 4:].to_numpy(float), expected)


def test_means_are_those_of_table_1():
    ours = mean_table(CELLS, "eer_percent", ROWS, DOMAINS)
    import pandas as pd

    theirs = assemble_table(pd.DataFrame(CELLS), ROWS, *DOMAINS)
    pd.testing.assert_frame_equal(ours, theirs)


def test_spread_over_rounds():
    """sft: a 1 and 3, b 3 and 5, averages 2 and 4: a deviation of the root of 2 each."""
    table = spread_table(CELLS, "eer_percent", ROWS, DOMAINS)
    sft, none = table.iloc[:, 4:].to_numpy(float)
    np.testing.assert_allclose(sft[:3], [math.sqrt(2)] * 3)
    assert np.isnan(sft[3:]).all()
    assert np.isnan(none).all()


def test_an_average_is_of_rounds_that_have_all_sets():
    cells = [cell("sft", 1, "a", 1.0), cell("sft", 1, "b", 3.0), cell("sft", 2, "a", 9.0)]
    table = mean_table(cells, "eer_percent", ROWS[:1], (["a", "b"], []))
    assert table["a"][0] == 5
    assert table["in_domain_avg"][0] == 2
    assert math.isnan(table["out_of_domain_avg"][0])


def test_a_column_that_older_files_lack_is_not_measured():
    table = mean_table(CELLS, "min_dcf", ROWS, DOMAINS)
    assert table.iloc[:, 4:].isna().all(axis=None)
    assert pytest.approx(2) == mean_table(CELLS, "eer_percent", ROWS, DOMAINS)["a"][0]
