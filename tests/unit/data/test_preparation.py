"""Preparation and reading of audio, to the sample."""

import csv
import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from sdd.data.audio.decoding import decode
from sdd.data.audio.prepared import read_segment
from sdd.data.audio.preparing import prepare_source
from sdd.data.audio.resampling import Resampler
from sdd.data.audio.table import (
    COLUMNS,
    read_audio_table,
    read_failures,
    read_paths,
    write_audio_table,
)
from sdd.data.preparation import _prepared, flac_name, prepare_corpus
from sdd.errors import InputError
from tests.helpers import deadly
from tests.helpers.audio_files import as_integers, chirp, resampled, write_container
from tests.helpers.in_process import run_here
from tests.helpers.odd_audio import antiphase_wav, write_bad_files

# ------------------------------------------------------------------------------------- preparing


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_004, 44_100, 48_000, 96_000])
def test_resampling_in_pieces_equals_torchaudio_on_the_whole(rate: int) -> None:
    for samples in (1, 100, 20_000):
        rng = np.random.default_rng(samples)
        sent = rng.uniform(-1, 1, samples).astype(np.float32)
        resampler = Resampler(rate, 16_000, piece_seconds=0.1)
        got: list[np.ndarray] = []
        position = 0
        while position < samples:
            size = int(rng.integers(1, 9_000))
            got += resampler.push(sent[position : position + size])
            position += size
        got += resampler.finish()
        expected = resampled(sent, rate)
        assert len(np.concatenate(got)) == len(expected)
        # An exact filter would be up to 4e-5 off torchaudio's, which is rounded to float32.
        np.testing.assert_allclose(np.concatenate(got), expected, rtol=0, atol=5e-7)


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_segment_of_prepared_file_equals_decode_resample_slice(tmp_path: Path, rate: int) -> None:
    sent = np.stack([chirp(3.0, rate), chirp(3.0, rate, 0.2)], axis=1)
    soundfile.write(tmp_path / "a.mp3", sent, rate)
    prepared = prepare_source(tmp_path / "a.mp3", tmp_path / "a.flac")
    samples, _ = decode(tmp_path / "a.mp3")
    whole = as_integers(resampled(samples.mean(axis=1), rate))
    assert prepared.samples == len(whole) == 48_000
    assert (prepared.source_rate, prepared.source_samples) == (rate, len(sent))
    assert prepared.clipped == 0
    info = soundfile.info(tmp_path / "a.flac")
    assert (info.format, info.subtype, info.samplerate, info.channels) == (
        "FLAC",
        "PCM_16",
        16_000,
        1,
    )
    rng = np.random.default_rng(0)
    windows = [(0, 48_000), (0, 1), (47_999, 48_000)]
    windows += [tuple(np.sort(rng.choice(48_001, 2, replace=False)).tolist()) for _ in range(20)]
    for start, end in windows:
        got = read_segment(tmp_path / "a.flac", start, end)
        assert got.dtype == np.float32
        assert got.shape == (end - start,)
        assert np.abs(as_integers(got) - whole[start:end]).max() <= 1


@pytest.mark.parametrize(
    ("subtype", "rate", "channels"),
    [
        ("PCM_U8", 8_000, 1),
        ("PCM_24", 96_000, 2),
        ("FLOAT", 44_100, 6),
        ("DOUBLE", 11_025, 1),
        ("ULAW", 8_000, 1),
    ],
)
def test_odd_formats_are_prepared_to_the_sample(
    tmp_path: Path, subtype: str, rate: int, channels: int
) -> None:
    sent = np.stack([chirp(1.0, rate, 0.05 * (c + 1)) for c in range(channels)], axis=1)
    soundfile.write(tmp_path / "a.wav", sent, rate, subtype=subtype)
    read, _ = soundfile.read(tmp_path / "a.wav", dtype="float32", always_2d=True)
    prepare_source(tmp_path / "a.wav", tmp_path / "a.flac")
    got, got_rate = soundfile.read(tmp_path / "a.flac", dtype="int16")
    expected = as_integers(resampled(read.mean(axis=1, dtype=np.float32), rate))
    assert got_rate == 16_000
    assert len(got) == len(expected) == 16_000
    assert np.abs(got - expected).max() <= 1


def test_hours_in_bounded_memory(tmp_path: Path) -> None:
    """Below 200 MB; the samples alone would be 461 MB, and torch takes some 550 MB."""
    rate, hours = 8_000, 2
    with soundfile.SoundFile(tmp_path / "a.wav", "w", rate, 1, subtype="PCM_U8") as file:
        minute = chirp(60, rate)
        for _ in range(hours * 60):
            file.write(minute)
    # Not getrusage: its maximum begins with that of the process that started this one.
    code = (
        "import re, sys; from pathlib import Path; "
        "from sdd.data.audio.preparing import prepare_source; "
        "peak = lambda: re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]; "
        "root = Path(sys.argv[1]); "
        "done = prepare_source(root / 'a.wav', root / 'a.flac'); "
        "print(done.samples, peak())"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    samples, peak = map(int, done.stdout.split())
    assert samples == hours * 3_600 * 16_000
    assert peak * 1024 < 200e6


def test_sixteen_bit_mono_at_16_khz_is_kept_exactly(tmp_path: Path) -> None:
    sent = np.random.default_rng(0).integers(-32768, 32768, 5_000, dtype=np.int16)
    soundfile.write(tmp_path / "a.wav", sent, 16_000)
    assert prepare_source(tmp_path / "a.wav", tmp_path / "a.flac").clipped == 0
    np.testing.assert_array_equal(soundfile.read(tmp_path / "a.flac", dtype="int16")[0], sent)


def test_clipped_samples_are_limited_and_counted(tmp_path: Path) -> None:
    sent = np.array([0.5, 1.5, -1.0, -1.2, 32767.4 / 32768, 1.0, 2.5 / 32768], dtype=np.float32)
    soundfile.write(tmp_path / "a.wav", np.tile(sent, 10), 16_000, subtype="FLOAT")
    assert prepare_source(tmp_path / "a.wav", tmp_path / "a.flac").clipped == 30
    got = soundfile.read(tmp_path / "a.flac", dtype="int16")[0][:7]
    assert got.tolist() == [16384, 32767, -32768, -32768, 32767, 32767, 2]


def test_failed_preparation_leaves_nothing(tmp_path: Path) -> None:
    samples = chirp(0.1, 16_000)
    samples[-1] = np.inf
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    with pytest.raises(InputError, match="not finite"):
        prepare_source(tmp_path / "a.wav", tmp_path / "out/a.flac")
    assert list((tmp_path / "out").iterdir()) == []


def test_bad_windows(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", chirp(0.1, 16_000), 16_000)
    for start, end in ((0, 1601), (-1, 5), (5, 5), (1600, 1601)):
        with pytest.raises(InputError, match=rf"a\.flac has 1600 samples, not {start} to {end}"):
            read_segment(tmp_path / "a.flac", start, end)
    with pytest.raises(InputError, match=r"b\.flac cannot be read .*: prepare the corpus again"):
        read_segment(tmp_path / "b.flac", 0, 1)


# ------------------------------------------------------------------------------- a whole corpus


def write_sources(root: Path, count: int = 4) -> pd.DataFrame:
    names = ["a.wav", 'b, "c".mp3', "ü ñ.flac", "d.m4a", *(f"x{i}.wav" for i in range(99))][:count]
    root.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        samples = chirp(0.5 + 0.1 * number, 44_100)
        if name.endswith("m4a"):
            write_container(root / name, samples[None], 44_100, "aac", "ipod")
        else:
            soundfile.write(root / name, samples, 44_100)
    return pd.DataFrame({"Path": [f"$ROOT/{name}" for name in (*names, *names[:1])]})


def prepared(protocol: pd.DataFrame, *arguments: object, **options: object) -> pd.DataFrame:
    return pd.DataFrame(prepare_corpus(protocol["Path"], *arguments, **options))


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_corpus_is_prepared_once_per_path(tmp_path: Path) -> None:
    protocol = write_sources(tmp_path / "data")
    table = prepared(protocol, tmp_path / "data", tmp_path / "audio", "mine", workers=2)
    assert tuple(table.columns) == COLUMNS
    assert table["path"].tolist() == protocol["Path"].tolist()[:4]
    assert table["source_rate"].tolist() == [44_100] * 4
    assert table["source_samples"].tolist()[:3] == [22_050, 26_460, 30_870]
    assert table["samples"].tolist()[:3] == [8_000, 9_600, 11_200]
    assert table["clipped"].tolist() == [0] * 4
    for row in table.itertuples():
        assert row.file.startswith("mine/")
        assert row.file.isascii()
        assert soundfile.info(tmp_path / "audio" / row.file).frames == row.samples
    write_audio_table(table.to_dict("records"), tmp_path / "audio/mine.csv")
    pd.testing.assert_frame_equal(read_audio_table(tmp_path / "audio/mine.csv"), table)
    assert read_failures(tmp_path / "audio", "mine") == []


def test_preparing_again_redoes_only_what_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, audio = tmp_path / "data", tmp_path / "audio"
    protocol = write_sources(root)
    first = prepared(protocol, root, audio, "mine", workers=2)
    done: list[str] = []

    def counted(source: Path, target: Path) -> object:
        done.append(source.name)
        return prepare_source(source, target)

    monkeypatch.setattr("sdd.data.preparation.prepare_source", counted)
    monkeypatch.setattr("sdd.data.preparation.run_expendable", run_here)
    before = tree(audio)
    again = prepared(protocol, root, audio, "mine", workers=1)
    pd.testing.assert_frame_equal(again, first)
    assert done == []
    assert tree(audio) == before
    (audio / first["file"][1]).write_bytes(b"damaged")
    (audio / first["file"][2]).unlink()
    soundfile.write(root / "a.wav", chirp(1.5, 8_000), 8_000)
    changed = prepared(protocol, root, audio, "mine", workers=1)
    assert sorted(done) == ["a.wav", 'b, "c".mp3', "ü ñ.flac"]
    assert changed["samples"].tolist() == [24_000, *first["samples"][1:]]
    pd.testing.assert_frame_equal(changed[1:], first[1:])


def test_other_code_prepares_again_and_the_same_audio_is_the_same_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, audio = tmp_path / "data", tmp_path / "audio"
    protocol = write_sources(root)
    first = prepared(protocol, root, audio, "mine", workers=2)
    write_audio_table(first.to_dict("records"), tmp_path / "first.csv")
    done: list[str] = []

    def counted(source: Path, target: Path) -> object:
        done.append(source.name)
        return prepare_source(source, target)

    monkeypatch.setattr("sdd.data.preparation.prepare_source", counted)
    monkeypatch.setattr("sdd.data.preparation.run_expendable", run_here)
    monkeypatch.setattr("sdd.data.preparation.module_digest", lambda module: f"other {module}")
    again = prepared(protocol, root, audio, "mine", workers=2)
    assert len(done) == 4
    write_audio_table(again.to_dict("records"), tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "first.csv").read_bytes()
    prepared(protocol, root, audio, "mine", workers=2)
    assert len(done) == 4


KILLED = """
import os, signal, sys, threading
from pathlib import Path
import sdd.data.preparation
from sdd.data.audio.preparing import prepare_source
from tests.helpers.in_process import run_here
from tests.helpers.odd_audio import antiphase_wav, write_bad_files

count = 0
def deadly(source, target):
    global count
    count += 1
    if count == 4:
        (target.parent / ".unfinished.abc.flac").write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    return prepare_source(source, target)

sdd.data.preparation.prepare_source = deadly
sdd.data.preparation.run_expendable = run_here
root, audio = Path(sys.argv[1]), Path(sys.argv[2])
sdd.data.preparation.prepare_corpus(sys.argv[3:], root, audio, "mine", workers=1)
"""


def test_killed_midway_and_run_again_gives_the_same_bytes(tmp_path: Path) -> None:
    root = tmp_path / "data"
    protocol = write_sources(root, count=6)
    straight = prepared(protocol, root, tmp_path / "straight", "mine", workers=2)
    killed = tmp_path / "killed"
    command = [sys.executable, "-c", KILLED, str(root), str(killed), *protocol["Path"]]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    kept = {path: path.stat().st_mtime_ns for path in (killed / "mine").glob("[!.]*.flac")}
    assert len(kept) == 3
    journal = killed / "mine/prepared.jsonl"
    entries = [json.loads(line)[1] for line in journal.read_text().splitlines()]
    assert 2 <= len(entries) <= 3
    with journal.open("a") as file:  # a line that was being written
        file.write('["$ROOT/a.wav", {"code": "12", "path": "$RO')
    again = prepared(protocol, root, killed, "mine", workers=2)
    pd.testing.assert_frame_equal(again, straight)
    assert tree(killed) == tree(tmp_path / "straight")
    for entry in entries:
        path = killed / entry["file"]
        assert path.stat().st_mtime_ns == kept[path]


def test_all_failures_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root, audio = tmp_path / "data", tmp_path / "audio"
    protocol = write_sources(root)
    (root / "a.wav").write_bytes(b"junk")
    (root / "d.m4a").unlink()
    with pytest.raises(InputError) as caught:
        prepared(protocol, root, audio, "mine", workers=2, allowed_failures=1)
    message = str(caught.value)
    assert "Corpus mine: 2 of 4 source files could not be prepared (1 may fail)." in message
    assert f"$ROOT/a.wav: {root}/a.wav cannot be decoded" in message
    assert f"$ROOT/d.m4a: {root}/d.m4a is missing." in message
    assert read_failures(audio, "mine") == ["$ROOT/a.wav", "$ROOT/d.m4a"]
    with caplog.at_level(logging.WARNING):
        table = prepared(protocol, root, audio, "mine", workers=2, allowed_failures=2)
    assert table["path"].tolist() == ['$ROOT/b, "c".mp3', "$ROOT/ü ñ.flac"]
    assert "2 source files could not be prepared" in caplog.text
    with pytest.raises(InputError, match="2 of 2 source files could not be prepared"):
        prepared(protocol.iloc[[0, 3]], root, audio, "mine", workers=1, allowed_failures=9)


def test_bad_files_cost_themselves_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    root, audio = tmp_path / "data", tmp_path / "audio"
    reasons = write_bad_files(root)
    for number in range(8):
        soundfile.write(root / f"good{number}.wav", chirp(0.2, 16_000), 16_000)
    for name in (*deadly.SIGNALS, "deadly-memory"):
        soundfile.write(root / f"{name}.wav", chirp(0.2, 16_000), 16_000)
    reasons |= {
        "deadly-segv.wav": "the process that read it died of SIGSEGV",
        "deadly-kill.wav": "was killed, as happens where memory is short",
        "deadly-memory.wav": "needs more memory than there is",
    }
    antiphase_wav(root / "good8.wav")
    paths = [f"$ROOT/{path.name}" for path in sorted(root.iterdir())]
    good = [path for path in paths if "good" in path]
    monkeypatch.setattr("sdd.data.preparation._prepared", deadly.prepared)
    rows = prepare_corpus(paths, root, audio, "mine", workers=2, allowed_failures=len(reasons))
    assert [row["path"] for row in rows] == good
    failed = list(csv.DictReader((audio / "mine/failed.csv").open(newline="")))
    assert {row["path"].removeprefix("$ROOT/") for row in failed} == set(reasons)
    for row in failed:
        name = row["path"].removeprefix("$ROOT/")
        assert row["error"].startswith(str(root / name))
        assert reasons[name] in row["error"]
    assert f"{root}/good8.wav: channels cancel each other: " in caplog.text
    # The good ones are as they are alone, and a second run tries the bad ones again.
    alone = prepare_corpus(good, root, tmp_path / "alone", "mine", workers=1)
    assert alone == rows
    monkeypatch.setattr("sdd.data.preparation._prepared", _prepared)
    again = prepare_corpus(paths, root, audio, "mine", workers=1, allowed_failures=len(reasons))
    assert len(again) == len(rows) + 3


def test_flac_names_are_safe_and_different() -> None:
    paths = ["$ROOT/a/x.wav", "$ROOT/b/x.wav", "$ROOT/a/x.mp3", '/x/ü, "y"\n.wav', "/" + "n" * 255]
    names = [flac_name(path) for path in paths]
    assert len(set(names)) == len(names)
    assert names[0].startswith("x-")
    assert all(name.isascii() and len(name) < 100 and "/" not in name for name in names)
    assert not any(set(name) & set(" ,\"'\n") for name in names)
    assert flac_name(paths[0]) == names[0]


def test_bad_audio_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.csv is missing: prepare the corpus first"):
        read_audio_table(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text("x\n1\n")
    with pytest.raises(InputError, match=r"a\.csv is not an audio table: it has x\."):
        read_audio_table(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text("")
    with pytest.raises(InputError, match=r"a\.csv is empty"):
        read_audio_table(tmp_path / "a.csv")


def test_paths_of_a_protocol(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text('ID,Path\n1,"$ROOT/a, ""b""\n.wav"\n2,$ROOT/ü.wav\n')
    assert read_paths(tmp_path / "p.csv") == ['$ROOT/a, "b"\n.wav', "$ROOT/ü.wav"]
