"""Every form of score file: recognised by its content, written as its readers want it."""

import numpy as np
import pytest

from sdd.cli import main
from sdd.errors import InputError
from sdd.scoring.score_lines import read_score_lines
from sdd.scoring.score_writing import FORMS, form_of, single_scores, write_scores_as
from sdd.scoring.trial_keys import read_trial_key
from sdd.scoring.trial_matching import match_trials
from tests.helpers.score_tables import write

NAMES = ["LA_E_1", "LA_E_2", "LA_E_3"]
# Neither is a short decimal; the last is denormal.
VALUES = [0.1 + 0.2, -1e22 / 3, 5e-324]


def lines_of(path, text):
    path.write_text(text, encoding="utf-8")
    return read_score_lines(path)


def single(tmp_path, names=NAMES, name="own.txt"):
    words = ("bonafide", "spoof", "spoof")
    rows = zip(names, VALUES, words, strict=True)
    return lines_of(
        tmp_path / name, "".join(f"S{n} {n} {value!r} {word}\n" for n, value, word in rows)
    )


ENDINGS = {form: found.suffixes[0] for form, found in FORMS.items()}


@pytest.mark.parametrize("form", FORMS)
def test_round_trip_of_single_scores(tmp_path, form):
    names = [f"/data/{name}.flac" for name in NAMES]
    written, target = single(tmp_path, names), tmp_path / f"there{ENDINGS[form]}"
    write_scores_as(form, target, written, "difference")
    # The content says what it is, not the name.
    found = read_score_lines(target.rename(tmp_path / "named_otherwise.dat"))
    assert found.names == names
    np.testing.assert_array_equal(found.values, VALUES)
    labelled = form in ("antideepfake", "asvspoof5", "parquet")
    assert found.labels == (["real", "fake", "fake"] if labelled else None)
    assert found.speakers == ([f"S{name}" for name in names] if form == "asvspoof5" else None)


@pytest.mark.parametrize("form", ["antideepfake", "parquet"])
def test_round_trip_of_two_logits(tmp_path, form):
    source = write(tmp_path / "a.parquet", real=[(0.1, 1 / 3), (-2, 3)], fake=[(1, 0)])
    written, target = read_score_lines(source), tmp_path / f"there{ENDINGS[form]}"
    write_scores_as(form, target, written, "difference")
    found = read_score_lines(target)
    assert (found.names, found.labels) == (written.names, written.labels)
    np.testing.assert_array_equal(found.logits, written.logits)


LEADERBOARD_FILES = {
    # As each wants them, line by line: its documentation, docs/scoring.md.
    "antideepfake": "ID,Score,Label\n/d/LA_E_1.flac,0.5,1\n/d/LA_E_2.flac,-1.25,0\n",
    "asvspoof5": "S1 /d/LA_E_1.flac 0.5 bonafide\nS1 /d/LA_E_2.flac -1.25 spoof\n",
    "asvspoof5-package": "filename\tcm-score\n/d/LA_E_1.flac\t0.5\n/d/LA_E_2.flac\t-1.25\n",
    "df-arena": "/d/LA_E_1.flac 0.5\n/d/LA_E_2.flac -1.25\n",
    "antispoofing-arena": "/d/LA_E_1.flac 0.5\n/d/LA_E_2.flac -1.25\n",
}


@pytest.mark.parametrize("form", LEADERBOARD_FILES)
def test_every_line(tmp_path, form):
    lines = lines_of(
        tmp_path / "a.txt", "S1 /d/LA_E_1.flac 0.5 bonafide\nS1 /d/LA_E_2.flac -1.25 spoof\n"
    )
    target = tmp_path / f"b{ENDINGS[form]}"
    write_scores_as(form, target, lines, "difference")
    assert target.read_text() == LEADERBOARD_FILES[form]


def test_text_of_asvspoof_2019(tmp_path):
    lines = lines_of(tmp_path / "a", "LA_E_1 - bonafide -0.5\nLA_E_2 A07 spoof -7\n")
    assert (lines.names, lines.labels) == (["LA_E_1", "LA_E_2"], ["real", "fake"])
    assert lines.values.tolist() == [-0.5, -7]
    assert lines.speakers is None


def test_one_score_for_two_logits(tmp_path):
    lines = read_score_lines(write(tmp_path / "a.parquet", real=[(-1, 2)], fake=[(1, 1)]))
    assert single_scores(lines, "difference").tolist() == [3, 0]
    assert single_scores(lines, "logit").tolist() == [2, 1]
    np.testing.assert_allclose(
        single_scores(lines, "probability"), [1 / (1 + np.exp(-3)), 0.5], rtol=1e-6
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file_name,label\n/d/a.flac,spoof\n", "is a protocol, without scores: name it by --key"),
        ("filename\tcm-score\nE_1\tx\n", "line 2: the score 'x' is no finite"),
        ("filename\tcm-score\n\t1\n", "row 2 has no ID"),
        ("filename\tcm-score\n", "has no row"),
        ("a 1\nb 2 3\n", "line 2: 'b 2 3' is not '<name> <score>'"),
        ("a 1\nb nan\n", "line 2: the score 'nan'"),
        ("a - spoof 1\nb - fake 1\n", "line 2: 'b - fake 1' is not '<utterance> <attack>"),
        ("one two three four five\n", "line 1: 'one two three four five' is of no score file"),
        ("\n \n", "is empty"),
    ],
)
def test_what_cannot_be_used(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as caught:
        lines_of(tmp_path / "a.txt", text)
    assert str(caught.value).startswith(str(tmp_path / "a.txt"))


def test_other_columns_of_a_table_are_named(tmp_path):
    with pytest.raises(InputError, match=r"no score file: it has the columns utt, s, l\. Score"):
        lines_of(tmp_path / "a.csv", "utt,s,l\na,1,0\n")


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("df-arena", "'LA_E_1' is no absolute path, .* name its protocol by --key"),
        ("asvspoof5", "does not say which trials are real: name their protocol or key"),
        ("antideepfake", "does not say which trials are real"),
        ("parquet", "does not say which trials are real"),
    ],
)
def test_what_a_form_needs(tmp_path, form, message):
    lines = lines_of(tmp_path / "a.txt", "LA_E_1 1\n")
    with pytest.raises(InputError, match=message):
        write_scores_as(form, tmp_path / f"b{ENDINGS[form]}", lines, "difference")


def test_a_name_with_a_space_is_in_tables_alone(tmp_path):
    lines = lines_of(tmp_path / "a.csv", "ID,Score,Label\ntake 1,1,1\n")
    for form in ("asvspoof5", "asvspoof5-package", "antispoofing-arena"):
        with pytest.raises(InputError, match="'take 1' has a space in it"):
            write_scores_as(form, tmp_path / "b.txt", lines, "difference")
    write_scores_as("antideepfake", tmp_path / "b.csv", lines, "difference")
    assert read_score_lines(tmp_path / "b.csv").names == ["take 1"]


def test_forms_of_endings(tmp_path):
    assert [form_of(tmp_path / name) for name in ("a.CSV", "a.tsv", "a.parquet", "a.txt")] == [
        *("antideepfake", "antideepfake", "parquet", None)
    ]


# ------------------------------------------------------------------------------------------ keys
KEYS = {
    "antideepfake": "ID,Label,Speaker,Path\nx,real,s1,p\ny,fake,-,p\n",
    "df-arena": "file_name,label\nx,bonafide\ny,spoof\n",
    "package": "filename\tcm-label\nx\tbonafide\ny\tspoof\n",
    "asvspoof2019": "s1 x - - bonafide\ns2 y - A07 spoof\n",
    "asvspoof2021_la": "s1 x alaw ita_tx bonafide bonafide notrim eval\n"
    "s2 y alaw ita_tx A07 spoof notrim eval\ns2 z alaw ita_tx A07 spoof notrim progress\n",
    "asvspoof2021_df": "s1 x mp3 asvspoof bonafide bonafide notrim eval - - - - -\n"
    "s2 y mp3 vcc2020 A09 spoof notrim eval traditional_vocoder - - - -\n",
    "asvspoof5": "s1 x F - - - bonafide bonafide bonafide -\ns2 y M C01 1 q AC1 A20 spoof -\n",
    "asvspoof5_first_phase": "s1 x F - bonafide bonafide\ns2 y F - A05 spoof\n",
    "pairs": "x bonafide\ny spoof\n",
}


@pytest.mark.parametrize("form", KEYS)
def test_keys(tmp_path, form):
    path = tmp_path / "key"
    path.write_text(KEYS[form])
    subset = "eval" if "2021" in form else None
    key = read_trial_key(path, subset)
    assert key.labels == {"x": "real", "y": "fake"}
    assert key.speakers.get("x") == (None if form in ("df-arena", "package", "pairs") else "s1")
    assert key.left_out == ({"z"} if form == "asvspoof2021_la" else set())


def test_segments_of_the_workflow_are_a_key(tmp_path):
    source = write(tmp_path / "a.parquet", real=[(0, 1)], fake=[(1, 0)])
    segments = source.with_suffix(".segments").rename(tmp_path / "segments.parquet")
    assert read_trial_key(segments).labels == {"s0": "real", "s1": "fake"}


@pytest.mark.parametrize(
    ("text", "subset", "message"),
    [
        ("x bonafide\ny fak\n", None, "row 2: trial 'y' has label 'fak', none of bonafide, spoof"),
        ("x bonafide\nx spoof\n", None, "row 2: trial 'x' stands there already in row 1"),
        ("ID,Label\n,real\n", None, "row 2: trial '' has label"),
        ("a,b\n1,2\n", None, "row 1: 1 fields are of no key"),
        ("ID,b\n1,2\n", None, "is no key: it has the columns ID, b"),
        ("a b c d e f g\n", None, "row 1: 7 fields are of no key"),
        ("x spoof\nx\n", None, "row 2: 1 fields, where the first line has 2"),
        ("", None, "is empty"),
        (KEYS["asvspoof2021_la"], "test", "no trial of subset 'test'; it has eval, progress"),
        (KEYS["pairs"], "eval", "no trial of subset 'eval'; it has no subsets"),
    ],
)
def test_keys_that_cannot_be_used(tmp_path, text, subset, message):
    (tmp_path / "key.txt").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_trial_key(tmp_path / "key.txt", subset)
    assert str(caught.value).startswith(str(tmp_path / "key.txt"))


# -------------------------------------------------------------------------------------- matching
def test_what_does_not_fit_is_counted_and_refused(tmp_path, capsys):
    (tmp_path / "key").write_text("/d/x.flac bonafide\n/d/y.flac spoof\n/d/z.flac spoof\n")
    scores, target = tmp_path / "a.txt", tmp_path / "b.txt"
    scores.write_text("x 1\nx 2\nv 3\nw 4\ny 5\n")
    command = ["convert-scores", str(scores), str(target), "--to", "df-arena", "--match", "stem",
               "--key", str(tmp_path / "key")]  # fmt: skip
    assert main(command) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    for words in (
        "2 of its 5 scores match no trial of",
        "first 'v' in row 3 (left out with --allow-unknown)",
        "1 of the 3 trials of",
        "have no score, first '/d/z.flac' (left out with --allow-unscored)",
        "'/d/x.flac' stands in row 1 and again in row 2 (1 segments are repeated) (left out with "
        "--allow-repeated but for its first)",
    ):
        assert words in error
    assert not target.exists()
    flags = ["--allow-unknown", "--allow-unscored", "--allow-repeated"]
    for left in range(3):
        assert main([*command, *flags[:left], *flags[left + 1 :]]) == 1
        assert flags[left] in capsys.readouterr().err
    assert main([*command, *flags]) == 0
    assert target.read_text() == "/d/x.flac 1.0\n/d/y.flac 5.0\n"


def test_what_is_left_out_is_told(tmp_path, caplog):
    caplog.set_level("INFO")
    (tmp_path / "key").write_text("x bonafide\ny spoof\n")
    (tmp_path / "a.txt").write_text("x 1\n")
    arguments = ["a.txt", "b.csv", "--key", "key", "--allow-unscored"]
    paths = [str(tmp_path / one) if one[0] != "-" else one for one in arguments]
    assert main(["convert-scores", *paths]) == 0
    assert "left out: 1 of the 2 trials of" in caplog.text
    assert (tmp_path / "b.csv").read_text() == "ID,Score,Label\nx,1.0,1\n"


def test_trials_of_other_subsets_are_no_strangers(tmp_path):
    (tmp_path / "key").write_text(KEYS["asvspoof2021_la"])
    lines = lines_of(tmp_path / "a.txt", "x 1\ny 2\nz 3\n")
    found = match_trials(lines, read_trial_key(tmp_path / "key", "eval"))
    assert (found.names, found.labels) == (["x", "y"], ["real", "fake"])
    assert found.speakers == ["s1", "s2"]


def test_labels_may_not_contradict_the_key(tmp_path):
    (tmp_path / "key").write_text("x bonafide\ny spoof\n")
    lines = lines_of(tmp_path / "a.csv", "ID,Score,Label\nx,1,1\ny,2,1\n")
    with pytest.raises(InputError, match=r"1 of its trials .* 'y' is real here and fake there"):
        match_trials(lines, read_trial_key(tmp_path / "key"))


def test_stems_that_are_the_same(tmp_path, capsys):
    (tmp_path / "key").write_text("/a/x.flac bonafide\n/b/x.wav spoof\n")
    (tmp_path / "a.txt").write_text("x 1\n")
    key = ["--key", str(tmp_path / "key"), "--match", "stem"]
    assert main(["convert-scores", str(tmp_path / "a.txt"), str(tmp_path / "b.csv"), *key]) == 1
    assert "'/a/x.flac' and '/b/x.wav' are the same without folder" in capsys.readouterr().err


def test_repeated_trials_without_a_key(tmp_path):
    lines = lines_of(tmp_path / "a.csv", "ID,Score,Label\nx,1,1\nx,1,1\n")
    with pytest.raises(InputError, match="segment 'x' stands in row 2 and again in row 3"):
        match_trials(lines)
