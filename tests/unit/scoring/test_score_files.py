"""AntiDeepfake's score CSV, files of single scores, and converting."""

import csv
import json

import numpy as np
import pytest

from sdd.cli import main
from sdd.errors import InputError
from sdd.scoring.score_files import (
    SingleScores,
    read_labelled_scores,
    read_score_csv,
    write_score_csv,
)
from sdd.scoring.score_tables import Scores, read_scores
from tests.helpers.score_tables import write


def scores_of(count):
    logits = np.random.default_rng(0).normal(0, 4, (count, 2)).astype(np.float32)
    names = [f"ItW-{number}, take 1" for number in range(count)]
    return Scores(names, np.arange(count) % 2 == 1, logits)


def same(first, second):
    assert first.segment_id == second.segment_id
    np.testing.assert_array_equal(first.real, second.real)
    assert first.logits.dtype == second.logits.dtype == np.float32
    np.testing.assert_array_equal(first.logits, second.logits)


def test_what_is_written_is_read_to_the_bit(tmp_path):
    scores = scores_of(50)
    write_score_csv(tmp_path / "new/scores.csv", scores)
    same(read_score_csv(tmp_path / "new/scores.csv"), scores)


def test_layout_is_antideepfakes(tmp_path):
    scores = Scores(["a", "b"], np.array([True, False]), np.float32([[-3.75, 0.1], [2, -1e-5]]))
    write_score_csv(tmp_path / "a.csv", scores)
    assert (tmp_path / "a.csv").read_text() == (
        'ID,Score,Label\na,"[-3.75, 0.10000000149011612]",1\nb,"[2.0, -9.999999747378752e-06]",0\n'
    )
    with (tmp_path / "a.csv").open(newline="") as file:
        assert [json.loads(row["Score"])[0] for row in csv.DictReader(file)] == [-3.75, 2.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty: it needs a header"),
        ("ID,Score,Label\n", "it has no row"),
        ('ID,Score\na,"[1, 2]"\n', "it has ID, Score"),
        ('ID,Score,Label\na,"[1, 2]",1\nb,"[1]",0\n', r"line 3: Score is '\[1\]'; it must be two"),
        ('ID,Score,Label\na,"[1, 2, 3]",1\n', "line 2: Score is"),
        ('ID,Score,Label\na,"[1, two]",1\n', "line 2: Score is"),
        ("ID,Score,Label\na\n", "row 2: 1 cells where the header has 3"),
        ('ID,Score,Label\na,"[1, 2]",real\n', "line 2: Label is 'real'; it must be 0"),
        (
            'ID,Score,Label\na,"[1, nan]",1\n',
            r"line 2: Score is '\[1, nan\]'; it must be two finite",
        ),
        (
            'ID,Score,Label\na,"[1, 2]",1\na,"[1, 2]",0\n',
            "segment 'a' stands in row 2 and again in row 3",
        ),
        ('ID,Score,Label\n,"[1, 2]",1\n', "row 2 has no segment ID"),
    ],
)
def test_file_that_cannot_be_used(tmp_path, text, message):
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        read_score_csv(path)
    assert str(caught.value).startswith(str(path))
    assert "delete" not in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv cannot be read"):
        read_score_csv(tmp_path / "none.csv")


def test_parquet_to_csv_and_back(tmp_path):
    source = write(tmp_path / "itw.parquet", real=[(0, 1), (-2, 3)], fake=[(1, 0)])
    there, back = tmp_path / "out/itw.csv", tmp_path / "out/itw.parquet"
    assert main(["convert-scores", str(source), str(there)]) == 0
    assert main(["convert-scores", str(there), str(back)]) == 0
    same(read_scores(back), read_scores(source))
    assert back.read_bytes() == source.read_bytes()


def test_suffix_that_says_nothing(tmp_path, capsys):
    source = write(tmp_path / "itw.parquet", real=[(0, 1)], fake=[(1, 0)])
    assert main(["convert-scores", str(source), str(tmp_path / "itw.txt")]) == 1
    assert (
        "itw.txt cannot be written: its name must end in .csv or .tsv or .parquet"
        in capsys.readouterr().err
    )
    assert not (tmp_path / "itw.txt").exists()


def test_single_scores_of_a_csv(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("ID,Score,Label\na,-3.75,1\nb,1e-3,0\n")
    scores = read_labelled_scores(path)
    assert isinstance(scores, SingleScores)
    assert scores.segment_id == ["a", "b"]
    assert scores.real.tolist() == [True, False]
    assert scores.values.tolist() == [-3.75, 0.001]


def test_text_of_asvspoof5(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("T_1 E_1 0.5 bonafide\n\nT_1 E_2 -1 spoof\n")
    scores = read_labelled_scores(path)
    assert scores.segment_id == ["E_1", "E_2"]
    assert scores.real.tolist() == [True, False]
    assert scores.values.tolist() == [0.5, -1]


def test_two_logits_are_read_as_ever(tmp_path):
    scores = scores_of(20)
    write_score_csv(tmp_path / "a.csv", scores)
    same(read_labelled_scores(tmp_path / "a.csv"), scores)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "a.csv",
            "ID,Score,Label\na,1,1\nb,two,0\n",
            "line 3: the score 'two' is no finite",
        ),
        ("a.csv", "ID,Score,Label\na,1,1\nb,inf,0\n", "line 3: the score 'inf'"),
        ("a.csv", 'ID,Score,Label\na,1,1\nb,"[1, 2]",0\n', r"line 3: the score '\[1, 2\]'"),
        (
            "a.csv",
            "ID,Score,Label\na,1,1\na,2,0\n",
            "segment 'a' stands in row 2 and again in row 3",
        ),
        ("a.csv", "ID,Score,Label\n,1,1\n", "row 2 has no ID"),
        ("a.csv", "ID,Score,Label\na,1,real\n", "Label is 'real'; it must be 0"),
        ("a.txt", "T E 1 real\n", "line 1: 'T E 1 real' is not '<speaker> <utterance> <score>"),
        ("a.txt", "E 1 spoof\n", "line 1: "),
        ("a.txt", "T E x spoof\n", "line 1: the score 'x'"),
    ],
)
def test_single_scores_that_cannot_be_used(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        read_labelled_scores(path)
    assert str(caught.value).startswith(str(path))
