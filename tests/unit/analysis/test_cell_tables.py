"""Tables of many cells, read into one."""

import pytest

from sdd.analysis.cell_tables import read_cells
from sdd.runtime.csv_rows import write_rows
from tests.helpers.score_tables import write
from tests.unit.analysis.test_cell_error_rates import rates


def test_error_rates_of_many_cells(tmp_path):
    """What is written is what Table 1 reads, digit for digit."""
    scores = write(tmp_path / "itw.parquet", real=[(0, 1), (0, 3), (0, 5)], fake=[(0, 2)])
    rows = rates([scores], "logit")
    cells = ["xlsr_2b/post/sft-grpo_s/round2", "mms_1b/pre/none/round10"]
    paths = [tmp_path / "results" / "paper" / "as_written" / cell / "eer.csv" for cell in cells]
    for path in paths:
        write_rows(path, rows)
    first, second = read_cells(paths)
    assert list(first)[:9] == [
        *("model", "init", "algorithm", "round"),
        *("test_set", "eer_percent", "threshold", "n_real", "n_fake"),
    ]
    assert [first[key] for key in ("model", "init", "algorithm", "round")] == [
        *("xlsr_2b", "post", "sft-grpo_s", 2)
    ]
    assert [second[key] for key in ("model", "init", "algorithm", "round")] == [
        *("mms_1b", "pre", "none", 10)
    ]
    assert first["test_set"] == "itw"
    # t = 1: FRR 1/3, FAR 1; t = 2: FRR 1/3, FAR 0: |d| 2/3 and 1/3; so 1/6.
    assert float(first["eer_percent"]) == rows[0]["eer_percent"] == pytest.approx(100 / 6)
    assert (first["n_real"], first["n_fake"]) == ("3", "1")


def test_rows_of_every_file_are_read_in_order(tmp_path):
    path = tmp_path / "m" / "post" / "sft" / "round1" / "drift.csv"
    write_rows(path, [{"test_set": name, "drift": value} for name, value in (("b", 2), ("a", 1))])
    assert path.read_bytes() == b"test_set,drift\nb,2\na,1\n"
    assert [row["test_set"] for row in read_cells([path])] == ["b", "a"]
    assert read_cells([]) == []
