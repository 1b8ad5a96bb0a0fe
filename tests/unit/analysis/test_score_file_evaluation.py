"""The commands that measure score files: `sdd evaluate`, and `sdd eer`, its short form."""

import json
import math

import pytest

from sdd.analysis.score_file_evaluation import JSON_KEYS
from sdd.cli import main
from tests.helpers.score_tables import write


def test_error_rates_of_both_kinds(tmp_path, capsys):
    """Ten of each class; one real below all fakes: FRR 1/10, FAR 1/10 at the highest fake but one.

    AUC: nine reals above all ten fakes but one of them (9 x 9), the tenth above none: 81/100.
    """
    real, fake = [(0, n) for n in (0, *range(11, 20))], [(0, n) for n in (*range(1, 10), 30)]
    source = write(tmp_path / "itw.parquet", real=real, fake=fake)
    main(["convert-scores", str(source), str(tmp_path / "itw.csv")])
    assert main(["eer", str(source), str(tmp_path / "itw.csv")]) == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["EER", "%", "AUC", "%", "threshold", "real", "fake", "file"]
    assert first.split() == ["10.000", "81.000", "9", "10", "10", str(source)]
    assert second.split()[:5] == first.split()[:5]
    assert main(["eer", "--score", "probability", str(source)]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[0] == "10.000"


def test_files_without_an_error_rate_are_told_at_the_end(tmp_path, capsys):
    few = write(tmp_path / "few.parquet", real=[(0, 1)] * 10, fake=[(1, 0)] * 9)
    good = write(tmp_path / "good.parquet", real=[(0, 1)] * 10, fake=[(1, 0)] * 10)
    assert main(["eer", str(few), str(tmp_path / "none.csv"), str(good)]) == 1
    shown = capsys.readouterr()
    assert [line.split()[-1] for line in shown.out.splitlines()] == ["file", str(good)]
    first, second = shown.err.splitlines()
    assert "9 fake segments; an EER of fewer than 10 a class" in first
    assert "none.csv cannot be read" in second


def evaluated(capsys, *arguments, status=0):
    assert main(["evaluate", "--json", *map(str, arguments)]) == status
    return json.loads(capsys.readouterr().out)


def test_json_by_hand(tmp_path, capsys):
    """The scores are the ratios, since the logits of FAKE are 0."""
    real, fake = [(0, n) for n in (0, *range(11, 20))], [(0, n) for n in (*range(1, 10), 30)]
    source = write(tmp_path / "itw.parquet", real=real, fake=fake)
    [found] = evaluated(capsys, source)
    assert list(found) == ["file", *JSON_KEYS]
    assert found["file"] == str(source)
    assert (found["eer"], found["auc"]) == (pytest.approx(0.1), pytest.approx(0.81))
    assert (found["n_real"], found["n_fake"]) == (10, 10)
    # Every trial is accepted at -0.64; at 9 one of each class is wrong: (0.095 + 0.05) / 0.5.
    assert found["act_dcf"] == 1
    assert found["min_dcf"] == pytest.approx(0.29)
    bits = [math.log2(1 + math.exp(-pair[1])) for pair in real]
    bits += [math.log2(1 + math.exp(pair[1])) for pair in fake]
    assert found["cllr"] == pytest.approx(sum(bits) / 20)


def test_ratios_are_the_difference_of_the_logits(tmp_path, capsys):
    """Both logits of a trial may be raised alike."""
    real, fake = [(n, n + 1.0) for n in range(10)], [(n, n - 2.0) for n in range(10)]
    [found] = evaluated(capsys, write(tmp_path / "a.parquet", real=real, fake=fake))
    bits = math.log2(1 + math.exp(-1)) + math.log2(1 + math.exp(-2))
    assert found["cllr"] == pytest.approx(bits / 2)
    assert found["cllr_min"] == found["act_dcf"] == found["min_dcf"] == 0
    # Which EER does not see, as it ranks the logit of REAL, but for the softmax.
    assert found["eer"] > 0.2
    arguments = "--score", "probability", tmp_path / "a.parquet"
    assert evaluated(capsys, *arguments)[0]["eer"] == 0


def test_a_single_score_is_taken_as_it_is(tmp_path, capsys):
    lines = [f"T R{n} {n + 0.5} bonafide" for n in range(10)]
    lines += [f"T F{n} {-n - 0.5} spoof" for n in range(10)]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    [found] = evaluated(capsys, tmp_path / "a.txt")
    bits = sum(math.log2(1 + math.exp(-n - 0.5)) for n in range(10)) / 10
    assert found["cllr"] == pytest.approx(bits)
    assert found["eer"] == 0
    # The fake at -0.5 lies above -0.64, the threshold of theory.
    assert found["act_dcf"] == pytest.approx(0.1)
    assert main(["evaluate", "--score", "probability", str(tmp_path / "a.txt")]) == 1
    assert "a.txt: it has one score a trial" in capsys.readouterr().err


def test_the_table_has_every_measure(tmp_path, capsys):
    source = write(tmp_path / "a.parquet", real=[(0, 1)] * 10, fake=[(0, 1)] * 10)
    assert main(["evaluate", str(source)]) == 0
    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == [
        *("EER", "%", "AUC", "%", "minDCF", "actDCF", "Cllr", "Cllr_min", "threshold"),
        *("real", "fake", "file"),
    ]
    expected = (math.log2(1 + math.exp(-1)) + math.log2(1 + math.exp(1))) / 2
    assert line.split()[:6] == ["50.000", "50.000", "1.0000", "1.0000", f"{expected:.4f}", "1.0000"]


def test_json_holds_what_could_be_measured(tmp_path, capsys):
    good = write(tmp_path / "good.parquet", real=[(0, 1)] * 10, fake=[(1, 0)] * 10)
    found = evaluated(capsys, tmp_path / "none.csv", good, status=1)
    assert [one["file"] for one in found] == [str(good)]


def test_errors_at_the_threshold_of_a_validation_file(tmp_path, capsys):
    """Validation splits at 9; the test file lies five lower: real 5..14, fakes -5..4."""
    valid = write(tmp_path / "valid.parquet", real=[(0, 10 + n) for n in range(10)],
                  fake=[(0, n) for n in range(10)])  # fmt: skip
    test = write(tmp_path / "test.parquet", real=[(0, 5 + n) for n in range(10)],
                 fake=[(0, n - 5) for n in range(10)])  # fmt: skip
    assert main(["evaluate", "--validation", str(valid), str(test), str(valid)]) == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert "threshold    FRR %    FAR %" in head
    # Real trials 5 to 9 are not above 9.
    assert first.split()[6:9] == ["4", "50.000", "0.000"]
    assert second.split()[6:9] == ["9", "0.000", "0.000"]
    assert main(["evaluate", "--validation", str(tmp_path / "none.csv"), str(test)]) == 1
    assert "none.csv cannot be read" in capsys.readouterr().err
