"""Table 1 of an unfinished run."""

import numpy as np
import pytest

from sdd.analysis.partial_table1 import measured_tables
from sdd.errors import InputError
from sdd.runtime.csv_rows import write_rows
from tests.unit.analysis.test_table1_differences import ROWS


def test_an_unfinished_run_shows_what_there_is(tmp_path):
    contents = {
        "rows": ROWS,
        "in_domain": ["dfe24_4s"],
        "out_of_domain": ["itw"],
        "cells": [f"{'/'.join(row)}/round{n}" for row in ROWS for n in (1, 2)],
        "recipes": ["as_written", "as_released"],
    }
    with pytest.raises(InputError, match=r"none of the 6 cells .*post/none/round1/eer\.csv"):
        measured_tables(tmp_path, contents)
    for number, eer in ((1, 4.0), (2, 6.0)):
        folder = tmp_path / f"as_written/xlsr_2b/post/sft/round{number}"
        folder.mkdir(parents=True)
        rows = [{"test_set": name, "eer_percent": eer} for name in ("dfe24_4s", "itw")]
        write_rows(folder / "eer.csv", rows)
    tables, counts = measured_tables(tmp_path, contents)
    assert counts == {"as_written": "2 of 6 cells measured"}
    values = tables["as_written"][["dfe24_4s", "itw"]].to_numpy()
    assert values[1].tolist() == [5, 5]
    assert np.isnan(values[[0, 2]]).all()
