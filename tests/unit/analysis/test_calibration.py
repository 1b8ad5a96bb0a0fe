"""`sdd calibrate`: within and out of its domain, and as `sdd evaluate` uses it."""

import json

import numpy as np
import pytest

from sdd.cli import main
from sdd.scoring.calibrations import read_calibration


def score_file(path, generator, *, shift=0.0, scale=1.0, count=2000):
    """Write differences of logits whose log-likelihood ratio is (difference - shift) / scale."""
    lines = ["ID,Score,Label"]
    for label, sign in ((1, 1), (0, -1)):
        values = shift + scale * generator.normal(2 * sign, 2, count)
        lines += [f'{label}-{n},"[{-value / 2}, {value / 2}]",{label}'
                  for n, value in enumerate(values.tolist())]  # fmt: skip
    path.write_text("\n".join(lines))
    return str(path)


@pytest.fixture
def files(tmp_path):
    generator = np.random.default_rng(0)
    return {
        "fitted": score_file(tmp_path / "fitted.csv", generator, shift=3, scale=4),
        "same": score_file(tmp_path / "same.csv", generator, shift=3, scale=4),
        "other": score_file(tmp_path / "other.csv", generator, shift=-15, scale=4),
    }


def test_within_and_out_of_its_domain(files, tmp_path, capsys):
    """The other domain's scores lie 18 lower: ratios 4.5 lower than they should be."""
    output, picture = tmp_path / "c.json", tmp_path / "c.png"
    command = ["calibrate", files["fitted"], "-o", str(output), "--picture", str(picture)]
    assert main([*command, "--try", files["same"], "--try", files["other"]]) == 0
    written, head, fitted, same, other = capsys.readouterr().out.splitlines()
    assert written.startswith("log LR = 0.2")
    assert head.split() == ["Cllr", "calibrated", "Cllr_min", "actDCF", "calibrated", "beyond",
                            "%", "file"]  # fmt: skip
    # 0.514 bits is the cost of the true ratios.
    for line, role in ((fitted, "fitted on"), (same, "tried on")):
        before, after, least = map(float, line.split()[:3])
        assert before > 1
        assert after == pytest.approx(0.514, abs=0.03)
        assert least < after
        assert role in line
    _, after, least, _, _, beyond = map(float, other.split()[:6])
    # What it is not worth is shown: as a set of its own 0.51 could be reached.
    assert after > 1.2
    assert least == pytest.approx(0.51, abs=0.03)
    assert beyond > 2
    found = read_calibration(output)
    assert found.scale * 4 == pytest.approx(1, abs=0.05)
    assert found.offset == pytest.approx(-0.75, abs=0.1)
    assert list(found.files) == [files["fitted"]]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_evaluate_takes_it(files, tmp_path, capsys):
    output = str(tmp_path / "c.json")
    assert main(["calibrate", files["fitted"], "-o", output]) == 0
    capsys.readouterr()
    assert main(["evaluate", "--json", "--calibration", output, files["same"]]) == 0
    [after] = json.loads(capsys.readouterr().out)
    assert main(["evaluate", "--json", files["same"]]) == 0
    [before] = json.loads(capsys.readouterr().out)
    for name in ("eer", "auc", "f1", "cllr_min", "min_dcf"):
        assert after[name] == pytest.approx(before[name]), name
    assert after["cllr"] == pytest.approx(0.514, abs=0.03)
    assert after["act_dcf"] < before["act_dcf"]


def test_single_scores_with_a_key(tmp_path, capsys):
    (tmp_path / "key").write_text("".join(f"r{n} bonafide\nf{n} spoof\n" for n in range(20)))
    (tmp_path / "a.txt").write_text("".join(f"r{n} {n}\nf{n} {n - 10}\n" for n in range(20)))
    arguments = [str(tmp_path / "a.txt"), "-o", str(tmp_path / "c.json")]
    assert main(["calibrate", *arguments]) == 1
    assert "does not say which trials are real" in capsys.readouterr().err
    assert main(["calibrate", *arguments, "--key", str(tmp_path / "key")]) == 0
    assert read_calibration(tmp_path / "c.json").scores == "single score"


def test_scores_the_wrong_way_round_are_warned_of(tmp_path, capsys):
    lines = [f"r{n} - bonafide {-n}\nf{n} A1 spoof {n}\n" for n in range(20)]
    (tmp_path / "a.txt").write_text("".join(lines))
    assert main(["calibrate", str(tmp_path / "a.txt"), "-o", str(tmp_path / "c.json")]) == 0
    shown = capsys.readouterr()
    assert "is higher more likely real?" in shown.err
    assert shown.out.startswith("log LR = 0 x score +0")


def test_nothing_is_written_where_it_cannot_be(files, tmp_path, capsys):
    for output, words in (("c.csv", "must end in .json"), ("c.json", "must end in .png or .pdf")):
        arguments = ["-o", str(tmp_path / output), "--picture", str(tmp_path / "c.txt")]
        assert main(["calibrate", files["fitted"], *arguments]) == 1
        assert words in capsys.readouterr().err
    assert not (tmp_path / "c.json").exists()
