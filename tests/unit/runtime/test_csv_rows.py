"""Rows as CSV: to the byte, and back."""

import pytest

from sdd.runtime.csv_rows import read_rows, write_rows


def test_rows_to_the_byte(tmp_path):
    path = tmp_path / "new/a.csv"
    write_rows(path, [{"name": 'ü, "1"', "value": 0.1 + 0.2}, {"name": "", "value": None}])
    assert path.read_bytes() == 'name,value\n"ü, ""1""",0.30000000000000004\n,\n'.encode()
    assert read_rows(path) == [
        {"name": 'ü, "1"', "value": "0.30000000000000004"},
        {"name": "", "value": ""},
    ]


def test_columns_may_be_given(tmp_path):
    write_rows(tmp_path / "a.csv", [], ("a", "b"))
    assert (tmp_path / "a.csv").read_text() == "a,b\n"
    assert read_rows(tmp_path / "a.csv") == []
    write_rows(tmp_path / "a.csv", [{"b": 1, "a": 2}], ("a", "b"), quote_all=True)
    assert (tmp_path / "a.csv").read_text() == '"a","b"\n"2","1"\n'


def test_an_unknown_column_leaves_what_was_there(tmp_path):
    write_rows(tmp_path / "a.csv", [{"a": 1}])
    with pytest.raises(ValueError, match="'b'"):
        write_rows(tmp_path / "a.csv", [{"a": 2}, {"b": 3}])
    assert (tmp_path / "a.csv").read_text() == "a\n1\n"
