"""Score files as people have them: separators, IDs, numbers, and what is no score file."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sdd.cli import main
from sdd.errors import InputError
from sdd.scoring.score_files import (
    SingleScores,
    read_labelled_scores,
    read_score_file,
    write_score_file,
)
from sdd.scoring.score_lines import read_score_lines
from tests.helpers.score_tables import write


def rows_of(separator, decimal=".", count=24):
    generator = np.random.default_rng(1)
    lines = [separator.join(("ID", "Score", "Label"))]
    for number in range(count):
        fake, real = generator.normal(size=2)
        cell = f"[{fake:.6f}, {real:.6f}]"
        if decimal == ",":
            cell = cell.replace(", ", "; ").replace(".", ",")
        quoted = f'"{cell}"' if separator in cell else cell
        lines.append(separator.join((f"u{number}", quoted, str(number % 2))))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("name", "separator"), [("a.csv", ";"), ("a.csv", "\t"), ("a.tsv", "\t")])
def test_separators(tmp_path, name, separator, capsys):
    (tmp_path / "comma.csv").write_text(rows_of(","))
    (tmp_path / name).write_text(rows_of(separator))
    expected = read_labelled_scores(tmp_path / "comma.csv")
    found = read_labelled_scores(tmp_path / name)
    assert found.segment_id == expected.segment_id
    np.testing.assert_array_equal(found.logits, expected.logits)
    assert main(["convert-scores", str(tmp_path / name), str(tmp_path / "x.parquet")]) == 0
    assert main(["convert-scores", str(tmp_path / "x.parquet"), str(tmp_path / "y.tsv")]) == 0
    assert (tmp_path / "y.tsv").read_text().startswith("ID\tScore\tLabel\nu0\t[")
    np.testing.assert_array_equal(read_score_file(tmp_path / "y.tsv").logits, expected.logits)


def test_a_decimal_comma_is_refused_and_the_others_measured(tmp_path, capsys):
    (tmp_path / "dec.csv").write_text(rows_of(";", decimal=","))
    (tmp_path / "good.csv").write_text(rows_of(";"))
    assert main(["eer", str(tmp_path / "dec.csv"), str(tmp_path / "good.csv")]) == 1
    out, err = capsys.readouterr()
    assert "good.csv" in out
    assert "dec.csv, line 2: Score is '[" in err
    assert "with a point, not a comma" in err


def test_a_decimal_comma_is_not_two_logits(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("ID;Score;Label\na;0,94;1\nb;1,5;0\n")
    with pytest.raises(
        InputError, match=r"line 2: Score is '0,94'; .* \(with a point, not a comma"
    ):
        read_labelled_scores(path)
    path.write_text('ID,Score,Label\na,"0, 94",1\n')
    with pytest.raises(InputError, match="line 2: Score is '0, 94'"):
        read_labelled_scores(path)


@pytest.mark.parametrize("value", ["nan", "inf", "1e400", "1_0", "٣", "", "-"])
def test_scores_that_are_no_numbers(tmp_path, value):
    (tmp_path / "a.csv").write_text(f"ID,Score,Label\n\na,1,1\nb,{value},0\n")
    with pytest.raises(InputError, match=r"a\.csv, line 4: the score .* is no finite number"):
        read_labelled_scores(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text(f'ID,Score,Label\n\na,"[1, {value}]",1\n')
    with pytest.raises(InputError, match=r"b\.csv, line 3: Score is .* must be two finite logits"):
        read_labelled_scores(tmp_path / "b.csv")


def test_a_logit_that_float32_cannot_hold(tmp_path):
    (tmp_path / "a.csv").write_text('ID,Score,Label\na,"[1, 1e39]",1\n')
    with pytest.raises(InputError, match=r"line 2: Score is '\[1, 1e39\]'"):
        read_labelled_scores(tmp_path / "a.csv")
    columns = {"segment_id": ["a"], "label": ["real"], "logit_fake": [1.0], "logit_real": [1e39]}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"segment 'a' has a logit that is not finite .*; correct"):
        read_labelled_scores(tmp_path / "a.parquet")


def test_rows_are_an_editors(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('\n\nID,Score,Label\n"a\nb",1,1\n\nc,2,0\nc,3,0\n')
    with pytest.raises(InputError, match="segment 'c' stands in row 7 and again in row 8"):
        read_labelled_scores(path)
    (tmp_path / "a.txt").write_text("T E1 1 spoof\r\n\r\nT E2 2 bonafide\r\n\r\nT E1 1 spoof\r\n")
    with pytest.raises(InputError, match="segment 'E1' stands in row 1 and again in row 5"):
        read_labelled_scores(tmp_path / "a.txt")


def test_whole_numbers_are_ids_0_among_them(tmp_path):
    columns = {"label": ["real", "fake"], "logit_fake": [1.0, 2], "logit_real": [3.0, 4]}
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"segment_id": [0, 1], **columns}), path)
    assert read_score_file(path).segment_id == ["0", "1"]
    (tmp_path / "a.csv").write_text("ID,Score,Label\n0,1,1\n007,2,0\n")
    scores = read_labelled_scores(tmp_path / "a.csv")
    assert isinstance(scores, SingleScores)
    assert scores.segment_id == ["0", "007"]
    for odd, word in ((0.0, "float"), (True, "bool"), (b"x", "bytes")):
        pq.write_table(pa.table({"segment_id": [odd, odd], **columns}), path)
        with pytest.raises(InputError, match=f"row 1 has the {word} .* neither text nor a whole"):
            read_score_file(path)


def test_what_is_no_score_file_is_named_and_never_deleted(tmp_path):
    for name, content, message in (
        ("a.csv", b"PAR1", "cannot be read"),
        ("b.parquet", b"ID,Score,Label\na,1,1\n", "cannot be read"),
        ("c.parquet", b"<html>", "is a web page"),
        ("d.parquet", b"", "cannot be read"),
        ("e.csv", b"", "is empty"),
        ("f.txt", b"", "is empty"),
        ("g.csv", "ID,Score,Label\né,1,1\n".encode("latin-1"), "row 2 .*iconv"),
        ("h.txt", "T é 1 spoof\n".encode("utf-16"), "UTF-16"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=message) as caught:
            read_labelled_scores(tmp_path / name)
        assert str(caught.value).startswith(str(tmp_path / name))
        assert "delete" not in str(caught.value)
    (tmp_path / "folder.parquet").mkdir()
    with pytest.raises(InputError, match="it is a folder"):
        read_labelled_scores(tmp_path / "folder.parquet")


def test_a_tsv_is_written_with_tabs(tmp_path):
    scores = read_score_file(write(tmp_path / "a.parquet", real=[(0, 1)], fake=[(1, 0)]))
    write_score_file(tmp_path / "b.TSV", scores)
    assert (tmp_path / "b.TSV").read_text().splitlines()[0] == "ID\tScore\tLabel"


def test_text_of_a_parquet_that_is_not_utf8(tmp_path):
    names = pa.array([b"a", b"\xf3b"], pa.binary()).view(pa.string())
    columns = {"label": ["real", "fake"], "logit_fake": [1.0, 2], "logit_real": [3.0, 4]}
    pq.write_table(pa.table({"segment_id": names, **columns}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet cannot be read \(.*UTF"):
        read_score_file(tmp_path / "a.parquet")


def test_a_column_s_name_that_is_not_utf8(tmp_path):
    path = write(tmp_path / "a.parquet", real=[(0, 1)], fake=[(1, 0)])
    path.write_bytes(path.read_bytes().replace(b"logit_real", b"logit_rea\xf9"))
    for read in (read_score_file, read_labelled_scores, read_score_lines):
        with pytest.raises(InputError, match=r"a\.parquet cannot be read \(.*0xf9.*\); correct"):
            read(path)
