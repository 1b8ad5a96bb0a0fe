"""`sdd score`: recordings of any kind to a table or CSV, and what cannot be scored."""

import csv
import errno
import json
import math
import os
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
from sdd.detector import export_authors, inference, save_detector
from sdd.errors import InputError
from sdd.scoring import command
from sdd.scoring import recordings as module
from sdd.scoring.calibrations import Calibration, write_calibration
from sdd.scoring.places import find_recordings
from sdd.scoring.recordings import cut_windows, format_rows, probability_of_fake
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


def test_calibrated_recordings(model, folder, tmp_path):
    calibration = Calibration(
        "difference of logits", 2.0, 1.0, 0.5, 1e6, 2e6, 10, 10, 1.0, 0.5, {"dev.csv": "0" * 64}
    )
    write_calibration(tmp_path / "c.json", calibration)
    output = tmp_path / "scores.csv"
    arguments = [str(folder), "-m", str(model), "-o", str(output)]
    more = ["--calibration", str(tmp_path / "c.json"), "--prior", "0.01", "--costs", "1", "10"]
    assert main(["score", *arguments, *more]) == 0
    for row in read(output):
        ratio = 2 * (float(row["logit_real"]) - float(row["logit_fake"])) + 1
        assert float(row["log_likelihood_ratio"]) == pytest.approx(ratio)
        odds = np.exp(ratio) * 99
        assert float(row["calibrated_probability_fake"]) == pytest.approx(1 / (1 + odds))
        # The expected cost of deciding real is 0.1, of fake 0.99.
        assert row["decision"] == ("real" if ratio > np.log(0.1 / 0.99) else "fake")
        assert "beyond the calibration: score " in row["notes"]


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


def test_a_reader_that_has_gone_does_not_hide_what_cannot_be_scored(
    model, folder, monkeypatch, capsys
):
    def gone(_):
        raise BrokenPipeError

    monkeypatch.setattr("sdd.scoring.command.write_out", gone)
    good, missing = str(folder / "a.mp3"), str(folder / "missing.mp3")
    assert main(["score", "-m", str(model), good]) == 141
    assert capsys.readouterr().err == ""
    assert main(["score", "-m", str(model), good, missing]) == 1
    assert "could not score 1 of 2 recordings" in capsys.readouterr().err


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
        (["-m", "{model}", "--device", "meta", "{folder}"], "Device 'meta' cannot be used"),
        (
            ["-m", "{model}", "--device", "cpu", "--precision", "tf32", "{folder}"],
            "--precision tf32 is for GPUs, and the device is cpu: leave it out, or name a GPU",
        ),
    ],
)
def test_bad_arguments(model, folder, capsys, arguments, message):
    (folder / "empty").mkdir()
    places = {"model": model, "folder": folder}
    assert main(["score", *(text.format(**places) for text in arguments)]) == 1
    assert re.search(message, capsys.readouterr().err)


@pytest.fixture
def no_scoring(monkeypatch):
    """Whatever is wrong with what was given is found before a recording is scored."""

    def refuse(*_, **__):
        raise AssertionError("scored")

    monkeypatch.setattr("sdd.scoring.command.score_recordings", refuse)


@pytest.mark.usefixtures("no_scoring")
@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("b", "b is a folder: name a file to write"),
        ("a.mp3/x.csv", r"a\.mp3/x\.csv cannot be written \(.*Not a directory\)"),
        ("/proc/nowhere/x.csv", "/proc/nowhere/x.csv cannot be written"),
        ("/dev/null", "/dev/null is no ordinary file"),
        ("pipe.csv", "pipe.csv is no ordinary file"),
        ("x.xlsx", r"its name must end in \.csv"),
        ("x", r"its name must end in \.csv"),
        (f"{240 * 'x'}.csv", "cannot be written .*File name too long"),
        ("named.csv", "named.csv is read and would be written over"),
        ("link.csv", "link.csv is read and would be written over"),
    ],
)
def test_output_is_tried_before_scoring(model, folder, capsys, output, message):
    os.mkfifo(folder / "pipe.csv")
    shutil.copy(folder / "a.mp3", folder / "named.csv")
    (folder / "link.csv").symlink_to("named.csv")
    before = sorted(folder.rglob("*"))
    recordings = [str(folder), str(folder / "named.csv")]
    assert main(["score", "-m", str(model), "-o", str(folder / output), *recordings]) == 1
    shown = capsys.readouterr().err
    assert re.fullmatch(f"error: .*{message}.*\n", shown)
    assert sorted(folder.rglob("*")) == before


@pytest.mark.usefixtures("no_scoring")
def test_full_disk_and_no_place_for_temporary_files(model, folder, tmp_path, monkeypatch, capsys):
    arguments = ["score", "-m", str(model), "-o", str(tmp_path / "x.csv"), str(folder)]
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    assert main(arguments) == 1
    assert "Temporary files cannot be written (No such file" in capsys.readouterr().err
    monkeypatch.undo()

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tempfile.NamedTemporaryFile", full)
    assert main(arguments) == 1
    assert "x.csv cannot be written" in (shown := capsys.readouterr().err)
    assert "No space left on device" in shown


def test_a_disk_that_fills_up_meanwhile_does_not_cost_the_scores(
    model, folder, tmp_path, monkeypatch, capsys
):
    whole, output = tmp_path / "whole.csv", tmp_path / "scores.csv"
    assert main(["score", "-m", str(model), "-o", str(whole), str(folder)]) == 0

    def full(path, *_, **__):
        raise InputError(f"{path}: no space left.")

    monkeypatch.setattr("sdd.scoring.command.write_rows", full)
    assert main(["score", "-m", str(model), "-o", str(output), str(folder)]) == 1
    shown = capsys.readouterr()
    assert shown.out == whole.read_text()
    assert "no space left. The CSV was printed instead." in shown.err


def test_csv_on_standard_output(model, folder, tmp_path, capsysbinary):
    (folder / "a.mp3").rename(folder / "ü\r\n.mp3")
    output = tmp_path / "scores.csv"
    assert main(["score", "-m", str(model), "-o", str(output), str(folder)]) == 0
    assert next(row["file"] for row in read(output)) == str(folder / "ü\r\n.mp3")
    assert main(["score", "-m", str(model), "-o", "-", str(folder)]) == 0
    assert capsysbinary.readouterr().out == output.read_bytes()
    assert main(["score", "-m", str(model), str(folder)]) == 0
    assert capsysbinary.readouterr().out.decode().splitlines()[1].endswith("/ü\\r\\n.mp3")


def test_what_is_closed_to_the_user_is_told_and_the_rest_is_scored(
    model, folder, monkeypatch, capsys, caplog
):
    scandir = os.scandir

    def closed(path):
        if str(path) == str(folder / "b"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("os.scandir", closed)
    caplog.set_level("INFO")
    assert main(["score", "-m", str(model), str(folder)]) == 1
    shown = capsys.readouterr()
    assert [line.split()[-1] for line in shown.out.splitlines()[1:]] == [str(folder / "a.mp3")]
    assert "error: 1 could not be looked into:\n" in shown.err
    assert f"  Folder {folder / 'b'} cannot be read (Permission denied)" in shown.err
    assert f"{folder}: left out: 1 hidden" in caplog.text
    assert f"{folder}: left out: 1 without an audio suffix (.md: 1)" in caplog.text
    # Alone, it is no empty folder.
    assert main(["score", "-m", str(model), str(folder / "b")]) == 1
    assert f"Folder {folder / 'b'} cannot be read (Permission" in capsys.readouterr().err


def test_more_threads_than_processors(model, folder, monkeypatch):
    asked = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3})
    for number in ("1", "2", "3", "99999999999999999999"):
        main(["score", "-m", str(model), "--threads", number, str(folder / "a.mp3")])
    assert asked == [1, 2, 2, 2]


def test_windows_shorter_than_a_detector_needs(model, folder, capsys):
    """Windows of a recording may be half as long as asked for."""
    needed = 2 * receptive_field() / SAMPLE_RATE
    short = str(folder / "b/short.flac")
    assert main(["score", "-m", str(model), "--window", str(needed * 0.99), short]) == 1
    assert f"this detector needs at least {needed:g} s" in capsys.readouterr().err
    assert main(["score", "-m", str(model), "--window", str(needed), short]) == 0


def test_precision_reaches_the_detector(model, folder, tmp_path, monkeypatch):
    asked, predict = [], inference.predict

    def noting(*arguments, precision, **options):
        asked.append(precision)
        return predict(*arguments, precision=precision, **options)

    monkeypatch.setattr(inference, "predict", noting)
    recording = str(folder / "a.mp3")
    assert main(["score", "-m", str(model), recording]) == 0
    monkeypatch.setattr(command, "used_precision", lambda device, precision: precision)
    assert main(["score", "-m", str(model), "--precision", "bf16", recording]) == 0
    assert asked == ["fp32", "bf16"]


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
    found = find_recordings([folder / "b/short.flac", folder, folder / "README.md"])
    names = [str(path.relative_to(folder)) for path in found.files]
    assert names == ["b/short.flac", "a.mp3", "c.MP3", "b/long.wav", "README.md"]
    assert found.left_out == [
        (
            folder,
            "1 hidden (a name that begins with a dot); it is " + str(folder / ".hidden.wav"),
        ),
        (folder, "1 without an audio suffix (.md: 1)"),
    ]
    assert found.problems == {}
