"""Score files from one form to another, in Python; the command's tests try all forms."""

import pytest

from sdd.errors import InputError
from sdd.scoring.conversion import convert_scores
from sdd.scoring.trial_matching import Matching


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "scores.txt"
    path.write_text("b.wav 0.5\na.wav -1.25\nc.wav 2\n")
    return path


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "key.csv"
    path.write_text("file_name,label\na.wav,spoof\nb.wav,bonafide\n")
    return path


def test_the_suffix_says_the_form_and_the_key_the_labels(tmp_path, lines, key):
    target = tmp_path / "new.csv"
    convert_scores(lines, target, key=key, matching=Matching(unknown=True))
    assert target.read_text() == "ID,Score,Label\nb.wav,0.5,1\na.wav,-1.25,0\n"


def test_a_form_that_is_named(tmp_path, lines):
    target = tmp_path / "new.txt"
    convert_scores(lines, target, to="antispoofing-arena")
    assert target.read_text() == "b.wav 0.5\na.wav -1.25\nc.wav 2.0\n"


def test_what_does_not_fit_the_key_is_refused_unless_allowed(tmp_path, lines, key):
    with pytest.raises(InputError, match=r"c\.wav"):
        convert_scores(lines, tmp_path / "new.csv", key=key)
    assert not (tmp_path / "new.csv").exists()


def test_a_suffix_of_no_form_is_refused(tmp_path, lines):
    with pytest.raises(InputError, match=r"must end in \.csv or \.tsv or \.parquet"):
        convert_scores(lines, tmp_path / "new.json")
