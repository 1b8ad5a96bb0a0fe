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


def pairs(path, scores):
    """Write lines of a name and a score, for trials that are called after it."""
    path.write_text("".join(f"{name} {value}\n" for name, value in scores.items()))
    return str(path)


def test_a_key_says_which_trials_are_real(tmp_path, capsys):
    """The same scores in three forms, with keys of three forms, are measured alike."""
    real, fake = {f"r{n}": n + 3 for n in range(10)}, {f"f{n}": n for n in range(10)}
    plain = pairs(tmp_path / "a.txt", real | fake)
    table = tmp_path / "b.tsv"
    table.write_text(
        "filename\tcm-score\n" + "".join(f"{n}\t{v}\n" for n, v in (real | fake).items())
    )
    own = tmp_path / "c.csv"
    own.write_text("ID,Score\n" + "".join(f"{n},{v}\n" for n, v in (real | fake).items()))
    keys = [tmp_path / name for name in ("key.csv", "key.txt", "key.tsv")]
    keys[0].write_text("ID,Label\n" + "".join(f"{n},real\n" for n in real)
                       + "".join(f"{n},fake\n" for n in fake))  # fmt: skip
    keys[1].write_text("".join(f"s {n} - - bonafide\n" for n in real)
                       + "".join(f"s {n} - A1 spoof\n" for n in fake))  # fmt: skip
    keys[2].write_text("file_name,label\n" + "".join(f"{n},bonafide\n" for n in real)
                       + "".join(f"{n},spoof\n" for n in fake))  # fmt: skip
    each = [argument for key in keys for argument in ("--key", key)]
    found = evaluated(capsys, plain, table, own, *each)
    assert len({json.dumps(one | {"file": ""}) for one in found}) == 1
    assert (found[0]["n_real"], found[0]["n_fake"]) == (10, 10)
    # Fakes 7, 8, 9 above 6, and real 3 to 6 at or below it; at 5: 3 and 4. At 6: (4 + 3) / 20.
    assert found[0]["eer"] == pytest.approx(0.35)
    assert evaluated(capsys, plain, table, "--key", keys[0])[0] == found[0]
    assert main(["evaluate", plain, str(table), str(own), *map(str, each[:4])]) == 1
    assert "2 keys for 3 score files" in capsys.readouterr().err
    assert main(["evaluate", plain]) == 1
    assert "does not say which trials are real" in capsys.readouterr().err


def test_figures_of_a_leaderboard_by_hand(tmp_path, capsys):
    """Two sets, each without error at its own threshold, ten apart: pooled they overlap.

    First: real 11..20, fakes 0..9. Second: real 1..10, fakes -10..-1. Pooled at 9: real 1 to 9
    rejected, 9/20, no fake accepted; at 4: real 1 to 4, 4/20, fakes 5 to 9, 5/20; at 5: 5/20 and
    4/20, as good, and the lower is taken. Trials at or above 4: 17 real, 6 fake.
    """
    first = write(tmp_path / "a.parquet", real=[(0, n) for n in range(11, 21)],
                  fake=[(0, n) for n in range(10)])  # fmt: skip
    second = write(tmp_path / "b.parquet", real=[(0, n) for n in range(1, 11)],
                   fake=[(0, n) for n in range(-10, 0)])  # fmt: skip
    command = ["evaluate", "--leaderboard", str(first), str(second)]
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    own = found["files"][0]
    # At the threshold itself, the highest fake, this fake is taken for real.
    assert (own["threshold"], own["eer"]) == (9, 0)
    assert own["f1"] == pytest.approx(20 / 21)
    assert own["accuracy"] == pytest.approx(19 / 20)
    average = {"eer": 0, "f1": 20 / 21, "accuracy": 19 / 20}
    assert found["average"] == pytest.approx(average)
    assert found["pooled"] == pytest.approx(
        {"eer": 9 / 40, "f1": 34 / (34 + 3 + 6), "accuracy": 31 / 40, "threshold": 4,
         "n_real": 20, "n_fake": 20}
    )  # fmt: skip
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].split() == ["0.000", "95.238", "95.000", "average"]
    assert lines[4].split()[:6] == ["22.500", "79.070", "77.500", "4", "20", "20"]


def test_no_leaderboard_of_some_of_the_files(tmp_path, capsys):
    good = write(tmp_path / "good.parquet", real=[(0, 1)] * 10, fake=[(1, 0)] * 10)
    assert main(["evaluate", "--leaderboard", str(good), str(tmp_path / "none.csv")]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "none.csv cannot be read" in shown.err
