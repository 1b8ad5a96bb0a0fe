"""`sdd score`: recordings of any kind to a table or CSV, and what cannot be scored."""

import csv
import json
import math
import re
import shutil

import numpy as np
import pytest
import soundfile
import torch

from sdd.cli import main
from sdd.data.audio import SAMPLE_RATE
from sdd.data.audio.prepared import read_segment
from sdd.data.audio.preparing import prepare_source
from sdd.detector import export_authors, save_detector
from sdd.scoring import recordings as module
from sdd.scoring.recordings import cut_windows, find_recordings, format_rows, probability_of_fake
from tests.conftest import TINY
from tests.helpers import deadly
from tests.helpers.odd_audio import (
    antiphase_wav,
    chained_ogg,
    flac_stating,
    two_tracks,
    write_bad_files,
)


def tone(path, seconds, rate=SAMPLE_RATE, channels=1, pitch=200.0):
    time = np.arange(round(seconds * rate)) / rate
    wave = 0.3 * np.sin(2 * np.pi * pitch * time * (1 + 0.1 * time))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.repeat(wave[:, None], channels, axis=1), rate)
    return path


@pytest.fixture
def model(tiny_detector, tmp_path):
    save_detector(tiny_detector, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.fixture
def folder(tmp_path):
    """Three recordings in two folders, a page that is none, and a hidden file."""
    folder = tmp_path / "calls"
    tone(folder / "b/long.wav", 2.5, rate=44_100, channels=2)
    tone(folder / "b/short.flac", 0.4, pitch=150)
    tone(folder / "a.mp3", 0.6, pitch=300)
    (folder / "README.md").write_text("none")
    tone(folder / ".hidden.wav", 0.5)
    return folder


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def logits_alone(detector, path, tmp_path, edges=(None,)):
    """Logits of windows of a recording, each run through the detector alone."""
    prepare_source(path, tmp_path / "alone.flac")
    samples = soundfile.info(tmp_path / "alone.flac").frames
    bounds = [(0, samples)] if edges == (None,) else edges
    waves = [read_segment(tmp_path / "alone.flac", start, end) for start, end in bounds]
    with torch.inference_mode():
        return np.array(
            [detector.eval()(torch.from_numpy(wave)[None])[0].numpy() for wave in waves]
        )


def test_recordings_to_csv(model, folder, tmp_path, tiny_detector, capsys):
    output = tmp_path / "new/scores.csv"
    assert main(["score", "-m", str(model), "-o", str(output), "--window", "1", str(folder)]) == 0
    rows = read(output)
    assert [row["file"] for row in rows] == [
        *(str(folder / name) for name in ("a.mp3", "b/long.wav", "b/short.flac"))
    ]
    assert [row["windows"] for row in rows] == ["1", "3", "1"]
    for row in (rows[0], rows[2]):
        path = folder / row["file"]
        ((fake, real),) = logits_alone(tiny_detector, path, tmp_path)
        assert float(row["logit_fake"]) == pytest.approx(fake, abs=1e-5)
        assert float(row["logit_real"]) == pytest.approx(real, abs=1e-5)
        expected = 1 / (1 + math.exp(real - fake))
        assert float(row["probability_fake"]) == pytest.approx(expected, abs=1e-5)
        assert row["highest_probability_fake"] == row["probability_fake"]
        assert float(row["highest_at"]) == 0
    # 2.5 s in windows of at most 1 s: three of 0.8333 s; their mean, and the highest of them.
    edges = [(0, 13_333), (13_333, 26_666), (26_666, 40_000)]
    windows = logits_alone(tiny_detector, folder / "b/long.wav", tmp_path, edges)
    long = rows[1]
    assert float(long["seconds"]) == 2.5
    assert float(long["logit_real"]) == pytest.approx(windows[:, 1].mean(), abs=1e-5)
    probabilities = 1 / (1 + np.exp(windows[:, 1] - windows[:, 0]))
    assert float(long["highest_probability_fake"]) == pytest.approx(probabilities.max(), abs=1e-5)
    assert float(long["highest_at"]) == round(
        edges[int(probabilities.argmax())][0] / SAMPLE_RATE, 3
    )
    assert [file.name for file in output.parent.iterdir()] == ["scores.csv"]
    assert capsys.readouterr().out == ""


def test_each_window_has_a_row(model, folder, tmp_path):
    output = tmp_path / "scores.csv"
    options = ["--window", "1", "--each-window"]
    assert main(["score", "-m", str(model), "-o", str(output), *options, str(folder)]) == 0
    rows = read(output)
    assert [(row["start"], row["end"]) for row in rows if row["file"].endswith("long.wav")] == [
        *(("0.0", "0.833"), ("0.833", "1.667"), ("1.667", "2.5"))
    ]
    assert len(rows) == 5
    whole = tmp_path / "whole.csv"
    assert main(["score", "-m", str(model), "-o", str(whole), "--window", "inf", str(folder)]) == 0
    assert [row["windows"] for row in read(whole)] == ["1", "1", "1"]


def test_table_on_the_terminal(model, folder, capsys):
    short = str(folder / "b/short.flac")
    assert (
        main(["score", "-m", str(model), "--window", "1", str(folder / "b/long.wav"), short]) == 0
    )
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["fake", "seconds", "windows", "highest", "file"]
    assert first.endswith(f"  {folder / 'b/long.wav'}")
    assert second.endswith(f"  {short}")
    assert first.split()[2:4] == ["2.5", "3"]
    assert head.index("file") == first.index(str(folder)) == second.index(str(folder))


def test_format_by_hand():
    rows = [
        {"file": "a.wav", "start": 0.0, "end": 2.5, "probability_fake": 0.98765},
        {"file": "b.wav", "start": 10.0, "end": 12.5, "probability_fake": 0.02},
    ]
    assert format_rows(rows) == (
        "  fake    from      to  file\n"
        "98.8 %   0.0 s   2.5 s  a.wav\n"
        " 2.0 %  10.0 s  12.5 s  b.wav\n"
    )


def test_what_cannot_be_read_is_reported_at_the_end(model, folder, tmp_path, capsys):
    (folder / "broken.wav").write_bytes(b"RIFF no sound")
    tone(folder / "click.wav", 0.01)
    missing, output = tmp_path / "missing.wav", tmp_path / "scores.csv"
    status = main(["score", "-m", str(model), "-o", str(output), str(folder), str(missing)])
    assert status == 1
    assert len(read(output)) == 3
    error = capsys.readouterr().err
    head, *reasons = error[error.index("error:") :].splitlines()
    assert head == "error: could not score 3 of 6 recordings:"
    assert len(reasons) == 3
    assert f"{folder / 'broken.wav'} cannot be decoded" in reasons[0]
    assert reasons[1] == (
        f"  {folder / 'click.wav'} lasts 10 ms: this detector needs at least "
        f"{1000 * receptive_field() / SAMPLE_RATE:g} ms."
    )
    assert f"{missing} is missing" in reasons[2]


def receptive_field():
    from sdd.detector import find_architecture

    return find_architecture(TINY).receptive_field


def test_bad_recordings_cost_themselves_alone(model, tmp_path, monkeypatch, capsys):
    folder, output = tmp_path / "calls", tmp_path / "scores.csv"
    reasons = write_bad_files(folder)
    good = [tone(folder / f"good{number}.wav", 0.3, pitch=150 + number) for number in range(3)]
    for name in deadly.SIGNALS:
        tone(folder / f"{name}.wav", 0.3)
    monkeypatch.setattr(module, "_prepare", deadly.recording)
    assert main(["score", "-m", str(model), "-o", str(output), str(folder)]) == 1
    rows = read(output)
    assert [row["file"] for row in rows] == [str(path) for path in good]
    assert [row["notes"] for row in rows] == [""] * 3
    error = capsys.readouterr().err
    head, *lines = error[error.index("error:") :].splitlines()
    assert head == f"error: could not score {len(reasons) + 2} of {len(reasons) + 5} recordings:"
    told = {line.split("/")[-1].split(" ")[0].rstrip(","): line for line in lines}
    for name, reason in reasons.items():
        (line,) = (line for line in lines if f"/{name}" in line)
        assert reason in line
    assert len(told) == len(lines) == len(reasons) + 2
    assert any("deadly-segv.wav cannot be decoded (the process that" in line for line in lines)


def test_notes_say_what_is_odd(model, tmp_path, capsys):
    folder = tmp_path / "calls"
    tone(folder / "good.wav", 0.5)
    antiphase_wav(folder / "antiphase.wav")
    chained_ogg(folder / "chained.ogg", "VORBIS")
    flac_stating(folder / "low.flac", 16_000)
    two_tracks(folder / "tracks.mka", levels=(0.0, 0.5))
    assert main(["score", "-m", str(model), "-o", str(tmp_path / "a.csv"), str(folder)]) == 0
    notes = {row["file"].split("/")[-1]: row["notes"] for row in read(tmp_path / "a.csv")}
    assert notes == {
        "good.wav": "",
        "antiphase.wav": "channels cancel each other: peak 0.6, and in their mean nothing is left "
        "at 16 bits",
        "chained.ogg": "several recordings in one file: 2 one after the other, read as one of "
        "4.00 s",
        "low.flac": "wrong length in the header: it states 1.00 s, and all 2.00 s were read",
        "tracks.mka": "several audio tracks: number 2 of 2 is read, the first with sound",
    }
    capsys.readouterr()
    assert main(["score", "-m", str(model), "--each-window", str(folder)]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["fake", "from", "to", "file", "notes"]
    for line in lines:
        name = line.split("calls/")[1].split()[0]
        assert line.endswith(notes[name] or name)
        assert line.find(notes[name]) in (head.index("notes"), 0)


def test_if_nothing_can_be_read_nothing_is_written(model, tmp_path, capsys):
    (tmp_path / "broken.wav").write_bytes(b"no sound")
    output = tmp_path / "scores.csv"
    assert main(["score", "-m", str(model), "-o", str(output), str(tmp_path / "broken.wav")]) == 1
    assert "could not score 1 of 1 recordings" in capsys.readouterr().err
    assert not output.exists()


def test_detector_of_the_authors(model, folder, tmp_path, tiny_detector, capsys):
    """A .ckpt does not say what architecture it has."""
    checkpoint, recording = tmp_path / "theirs.ckpt", str(folder / "a.mp3")
    export_authors(tiny_detector, checkpoint)
    assert main(["score", "-m", str(checkpoint), recording]) == 1
    assert "give --architecture, one of w2v_small, w2v_large, mms_300m" in capsys.readouterr().err
    outputs = [tmp_path / "ours.csv", tmp_path / "theirs.csv"]
    main(["score", "-m", str(model), "-o", str(outputs[0]), recording])
    architecture = json.dumps(TINY)
    options = ["-a", architecture, "-o", str(outputs[1]), recording]
    assert main(["score", "-m", str(checkpoint), *options]) == 0
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    assert main(["score", "-m", str(checkpoint), "-a", "mms_30m", recording]) == 1
    assert "mms_300m" in capsys.readouterr().err
    assert main(["score", "-m", str(checkpoint), "-a", "{", recording]) == 1
    assert "--architecture is no JSON" in capsys.readouterr().err


def test_chunks_give_the_same(model, folder, tmp_path, monkeypatch):
    outputs = [tmp_path / "one.csv", tmp_path / "many.csv"]
    main(["score", "-m", str(model), "-o", str(outputs[0]), str(folder)])
    monkeypatch.setattr(module, "_CHUNK_FILES", 1)
    main(["score", "-m", str(model), "-o", str(outputs[1]), str(folder)])
    one, many = (read(output) for output in outputs)
    assert [row["file"] for row in one] == [row["file"] for row in many]
    for first, second in zip(one, many, strict=True):
        assert float(first["logit_real"]) == pytest.approx(float(second["logit_real"]), abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-m", "{model}", "{folder}/b/none"], "none is missing"),
        (["-m", "{model}", "{folder}/empty"], "There is no recording in .*empty"),
        (["-m", "{folder}/none.safetensors", "{folder}"], "There is no checkpoint file .*none"),
        (["-m", "{model}", "--device", "tpu9", "{folder}"], "Device 'tpu9' cannot be used"),
    ],
)
def test_bad_arguments(model, folder, capsys, arguments, message):
    (folder / "empty").mkdir()
    places = {"model": model, "folder": folder}
    assert main(["score", *(text.format(**places) for text in arguments)]) == 1
    assert re.search(message, capsys.readouterr().err)


def test_wrong_window(model, folder, capsys):
    with pytest.raises(SystemExit) as left:
        main(["score", "-m", str(model), "--window", "0", str(folder)])
    assert left.value.code == 2
    assert "0 is not above 0" in capsys.readouterr().err


def test_windows_by_hand():
    assert cut_windows(10, math.inf).tolist() == [[0, 10]]
    assert cut_windows(2 * SAMPLE_RATE, 2.0).tolist() == [[0, 2 * SAMPLE_RATE]]
    assert cut_windows(2 * SAMPLE_RATE + 1, 2.0).tolist() == [
        [0, SAMPLE_RATE],
        [SAMPLE_RATE, 2 * SAMPLE_RATE + 1],
    ]
    windows = cut_windows(1_000_003, 15.0)
    lengths = windows[:, 1] - windows[:, 0]
    assert (windows[1:, 0] == windows[:-1, 1]).all()
    assert lengths.sum() == 1_000_003
    assert lengths.max() - lengths.min() <= 1
    assert lengths.max() <= 15 * SAMPLE_RATE


def test_probability_does_not_overflow():
    logits = np.array([[0, 0], [0, 1000], [1000, 0], [1.0, 2.0]], dtype=np.float32)
    expected = [0.5, 0, 1, 1 / (1 + math.e)]
    assert probability_of_fake(logits) == pytest.approx(expected, abs=1e-12)


def test_folders_are_walked_in_order_and_files_are_taken_once(folder):
    shutil.copy(folder / "a.mp3", folder / "c.MP3")
    found, left_out = find_recordings([folder / "b/short.flac", folder, folder / "README.md"])
    names = [str(path.relative_to(folder)) for path in found]
    assert names == ["b/short.flac", "a.mp3", "c.MP3", "b/long.wav", "README.md"]
    assert left_out == 1
