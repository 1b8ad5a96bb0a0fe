"""Certificates: what is compared, what passes, what is written, and what the command says."""

import csv
import json

import pytest
import torch

from sdd.detector.certification import (
    Comparison,
    collect_certificates,
    compare,
    describe,
    main,
    write_certificate,
)
from tests.helpers.paths import GOLDEN

KEYS = json.loads((GOLDEN / "variants.json").read_text())["layer_norm_pre"]


def score(waveforms):
    loud = waveforms.abs().amax(1)
    return torch.stack([loud, -loud], 1), torch.stack([loud, 2 * loud], 1)


def shifted(waveforms):
    embeddings, logits = score(waveforms)
    embeddings[1, 0] += 0.25
    logits[0, 1] -= 0.5
    return embeddings, logits


def test_the_largest_differences_of_each_length_are_found():
    rows = compare(score, shifted, [400, 16_000])
    assert [row.samples for row in rows] == [400, 16_000]
    for row in rows:
        assert row.embeddings == pytest.approx(0.25)
        assert row.logits == pytest.approx(0.5)
        assert 0 < row.embedding_scale <= 0.5
        assert row.logit_scale == pytest.approx(2 * row.embedding_scale)
    same = compare(score, score, [400])[0]
    assert same.embeddings == same.logits == 0


def test_the_same_inputs_are_given_each_time_and_both_waveforms_differ():
    seen = []

    def keep(waveforms):
        seen.append(waveforms)
        return score(waveforms)

    compare(keep, keep, [1000])
    compare(keep, keep, [1000])
    assert all(torch.equal(seen[0], waveforms) for waveforms in seen)
    assert seen[0].shape == (2, 1000)
    assert not torch.equal(seen[0][0], seen[0][1])


@pytest.mark.parametrize(
    ("embeddings", "scale", "logits", "passed"),
    [
        (0.9e-4, 0.5, 0.0, True),  # small values: against 1
        (1.1e-4, 0.5, 0.0, False),
        (3.9e-4, 4.0, 0.0, True),  # large ones: against themselves
        (4.1e-4, 4.0, 0.0, False),
        (0.0, 1.0, 1.1e-4, False),
        (0.0, 1.0, None, True),
        (float("nan"), 1.0, 0.0, False),
    ],
)
def test_what_passes(embeddings, scale, logits, passed):
    logit_scale = None if logits is None else 1.0
    assert Comparison(400, embeddings, scale, logits, logit_scale).within(1e-4) is passed


def test_description_ends_with_the_largest():
    rows = [Comparison(400, 1e-7, 1, 5e-7, 1), Comparison(16_000, 3e-7, 1, 2e-7, 1)]
    assert describe(rows).splitlines()[-1].split() == ["largest", "3.0e-07", "5.0e-07"]
    rows = [Comparison(400, float("nan"), 1, 5e-7, 1), Comparison(720, 3e-7, 1, float("nan"), 1)]
    assert describe(rows).splitlines()[-1].split() == ["largest", "nan", "nan"]
    assert describe(rows[::-1]).splitlines()[-1].split() == ["largest", "nan", "nan"]
    rows = [Comparison(400, 1e-7, 1, None, None)]
    assert describe(rows).splitlines()[-1].split() == ["largest", "1.0e-07", "-"]


def test_certificates_are_collected_by_their_largest(tmp_path):
    about = {"checkpoint": "a, b.ckpt", "weights": "7", "fairseq": "0.12.2", "torch": "2"}
    rows = [Comparison(400, 1e-6, 1, 2e-5, 1), Comparison(720, 1e-5, 1, 2e-6, 1)]
    write_certificate(tmp_path / "a.csv", rows, about, 1e-4)
    write_certificate(tmp_path / "b.csv", rows, about, 1e-6)
    encoder = [Comparison(400, 1e-7, 1, None, None)]
    write_certificate(tmp_path / "c.csv", encoder, {**about, "checkpoint": "c.pt"}, 1e-4)
    collect_certificates([tmp_path / f"{name}.csv" for name in "abc"], tmp_path / "all.csv")
    with (tmp_path / "all.csv").open() as file:
        first, second, third = csv.DictReader(file)
    assert first == {**about, "embeddings": "1e-05", "logits": "2e-05", "passed": "True"}
    assert second["passed"] == "False"
    assert (third["checkpoint"], third["logits"], third["passed"]) == ("c.pt", "", "True")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.ckpt", "--architecture", "mms_300m"], "nowhere.ckpt does not exist"),
        ([GOLDEN / "layer_norm_pre.ckpt", "--architecture", "mms"], "no architecture named 'mms'"),
        ([GOLDEN / "layer_norm_pre.ckpt", "--architecture", "{x"], "is not JSON"),
        ([GOLDEN / "layer_norm_pre.ckpt"], "does not say what architecture"),
        ([GOLDEN / "layer_norm_pre.ckpt", "--architecture", "mms_300m"], "does not fit"),
        (
            # Everything but fairseq itself, which is not in the workflow's environment.
            [GOLDEN / "layer_norm_pre.ckpt", "--architecture", json.dumps(KEYS)],
            "start the script with `uv run --script`",
        ),
    ],
)
def test_errors_are_one_line(capsys, arguments, message):
    assert main(list(map(str, arguments))) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("error: ")
    assert message in line
