"""Calibration files: what they hold, what is refused, and what they make of recordings."""

import hashlib
import json
import math

import numpy as np
import pytest

from sdd.cli import main
from sdd.errors import InputError
from sdd.scoring.calibrations import (
    Calibration,
    calibrated_ratios,
    fit_calibration,
    read_calibration,
    write_calibration,
)
from sdd.scoring.judging import JUDGED_COLUMNS, make_judge
from sdd.scoring.recordings import format_rows
from sdd.scoring.score_files import SingleScores
from sdd.scoring.score_tables import Scores
from tests.helpers.score_tables import write


def of_logits(values, real):
    """Scores whose difference of logits is known, and whose logits are of other sizes."""
    logits = np.stack([-np.array(values) / 4, 3 * np.array(values) / 4], axis=1)
    return Scores([f"s{n}" for n in range(len(real))], np.array(real), logits.astype(np.float32))


def made(**changes):
    given = {
        "scores": "difference of logits", "scale": 2.0, "offset": 1.0, "prior_fake": 0.5,
        "lowest": -3.0, "highest": 4.0, "n_real": 2, "n_fake": 3, "cllr": 0.5,
        "cllr_calibrated": 0.4, "files": {"a.csv": "0" * 64},
    } | changes  # fmt: skip
    return Calibration(**given)


def test_what_it_was_fitted_on_is_written(tmp_path):
    source = write(tmp_path / "a.parquet", real=[(0, 1), (0, 3)], fake=[(2, 0), (0, 2)])
    scores = of_logits([1, 3, -2, 2], [True, True, False, False])
    found = fit_calibration([(source, scores)], 0.2)
    assert (found.lowest, found.highest, found.n_real, found.n_fake) == (-2, 3, 2, 2)
    assert found.files == {str(source): hashlib.sha256(source.read_bytes()).hexdigest()}
    assert (found.scores, found.prior_fake) == ("difference of logits", 0.2)
    bits = [math.log2(1 + math.exp(-1)), math.log2(1 + math.exp(-3))]
    bits += [math.log2(1 + math.exp(-2)), math.log2(1 + math.exp(2))]
    assert found.cllr == pytest.approx(sum(bits) / 4)
    write_calibration(tmp_path / "c.json", found)
    assert read_calibration(tmp_path / "c.json") == found


def test_ratios_and_range():
    calibration = made()
    assert calibration.ratios(np.array([0.0, 1.0])).tolist() == [1, 3]
    assert calibration.beyond(np.array([-3.1, -3, 4, 4.1])).tolist() == [True, False, False, True]


def test_scores_of_another_kind(tmp_path):
    single = SingleScores(["a", "b"], np.array([True, False]), np.array([1.0, 0.0]))
    with pytest.raises(InputError, match="x has as scores: single score; the calibration is of"):
        calibrated_ratios(made(), "x", single)
    both = [(tmp_path / "a", single), (tmp_path / "b", of_logits([1, 0], [True, False]))]
    with pytest.raises(InputError, match="are scores of two kinds: calibrate them apart"):
        fit_calibration(both)
    with pytest.raises(InputError, match="is of: single score; recordings get two logits"):
        make_judge(made(scores="single score"), None, 1, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"form": "else"}, "no calibration of this version"),
        ({"scale": "2"}, "'scale' is '2', no number"),
        ({"scale": True}, "'scale' is True, no number"),
        ({"scale": math.nan}, "'scale' is nan, which is not finite"),
        ({"scale": -1}, "'scale' not below 0"),
        ({"prior_fake": 1}, "'prior_fake' must lie between 0 and 1"),
        ({"scores": "logits"}, "'scores' is 'logits', none of"),
        ({"files": []}, "'files' is no object"),
        ({"more": 1}, "'more' is missing or unknown"),
    ],
)
def test_files_that_are_none(tmp_path, change, message):
    write_calibration(tmp_path / "c.json", made())
    content = json.loads((tmp_path / "c.json").read_text()) | change
    (tmp_path / "c.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=message) as caught:
        read_calibration(tmp_path / "c.json")
    assert str(caught.value).startswith(str(tmp_path / "c.json"))


@pytest.mark.parametrize("text", ["", "{", "[1]", "ID,Score\n", "[" * 100_000])
def test_text_that_is_none(tmp_path, text):
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(InputError, match=r"c\.json is no calibration"):
        read_calibration(tmp_path / "c.json")


# ---------------------------------------------------------------------------------- recordings
def row(difference, notes=""):
    return {"file": "a.wav", "seconds": 2.0, "probability_fake": 0.5, "logit_fake": -difference,
            "logit_real": 0.0, "windows": 1, "highest_probability_fake": 0.5, "highest_at": 0.0,
            "notes": notes}  # fmt: skip


def test_what_is_said_of_a_recording():
    """The difference -0.5 has the ratio 0: the probability is the prior, and costs decide."""
    judged = make_judge(made(), 0.2, 1, 1).judged(row(-0.5))
    assert judged["log_likelihood_ratio"] == 0
    assert judged["calibrated_probability_fake"] == pytest.approx(0.2)
    # Deciding real costs 0.2, fake 0.8.
    assert judged["decision"] == "real"
    assert make_judge(made(), 0.2, 1, 5).judged(row(-0.5))["decision"] == "fake"
    assert make_judge(made(prior_fake=0.8), None, 1, 1).judged(row(-0.5))["decision"] == "fake"
    assert list(judged)[-4:] == [*JUDGED_COLUMNS, "notes"]
    assert judged["notes"] == ""


def test_a_score_beyond_the_calibration_is_noted():
    judge = make_judge(made(), None, 1, 1)
    words = "beyond the calibration: score 4.5, and it was fitted on -3 to 4"
    assert judge.judged(row(4.5))["notes"] == words
    assert judge.judged(row(4.5, "clipped"))["notes"] == f"clipped; {words}"
    assert judge.judged(row(4))["notes"] == ""


def test_a_terminal_shows_it():
    shown = format_rows([make_judge(made(), None, 1, 1).judged(row(1))])
    head, line = shown.splitlines()
    assert head.split() == ["fake", "log", "LR", "calibrated", "decision", "seconds", "windows",
                            "highest", "file"]  # fmt: skip
    assert line.split() == ["50.0", "%", "3.00", "4.7", "%", "real", "2.0", "1", "a.wav"]


def test_prior_and_costs_need_a_calibration(tmp_path, capsys):
    for more in (["--prior", "0.1"], ["--costs", "1", "10"]):
        assert main(["score", "-m", str(tmp_path / "m"), str(tmp_path), *more]) == 1
        assert "--prior and --costs need a calibration" in capsys.readouterr().err
