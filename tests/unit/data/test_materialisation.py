"""Segments as files: to the sample, under safe names, with their protocol."""

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sdd.data.corpora import read_corpus, read_protocol
from sdd.data.materialisation import materialise_segments, segment_file
from sdd.data.segments import Segments
from sdd.errors import InputError

WAVE = np.random.default_rng(0).integers(-20_000, 20_000, 40_000, dtype=np.int16)


@pytest.fixture
def segments(tmp_path: Path) -> Segments:
    (tmp_path / "audio/c").mkdir(parents=True)
    soundfile.write(tmp_path / "audio/c/a.flac", WAVE, 16_000)
    return Segments(
        segment_id=["DFE24-a_seg1", 'mine-real-x/ü, "1"\n.wav', "DFE24-a_seg3"],
        source=["a"] * 3,
        label=["real", "fake", "fake"],
        attack=["-", "A01", "-"],
        speaker=["-", "S", "-"],
        path=["$ROOT/a.mp3"] * 3,
        file=["c/a.flac"] * 3,
        start=np.array([0, 16_000, 32_000]),
        end=np.array([16_000, 32_000, 40_000]),
    )


def test_files_and_protocol(tmp_path: Path, segments: Segments) -> None:
    folder = tmp_path / "segments/test_4s"
    folder.mkdir(parents=True)
    (folder / "stale.flac").touch()
    materialise_segments(segments, tmp_path / "audio", folder, workers=2)
    names = [segment_file(name) for name in segments.segment_id]
    assert names[::2] == ["DFE24-a_seg1.flac", "DFE24-a_seg3.flac"]
    assert names[1].isascii()
    assert {path.name for path in folder.iterdir()} == {*names, "protocol.csv"}
    for name, start, end in zip(names, segments.start, segments.end, strict=True):
        info = soundfile.info(folder / name)
        assert (info.samplerate, info.channels, info.subtype) == (16_000, 1, "PCM_16")
        samples, _ = soundfile.read(folder / name, dtype="int16")
        np.testing.assert_array_equal(samples, WAVE[start:end])
    protocol = read_protocol(folder / "protocol.csv")
    assert protocol["ID"].tolist() == segments.segment_id
    assert protocol["Duration"].tolist() == [1.0, 1.0, 0.5]
    assert protocol["Attack"].tolist() == ["-", "A01", "-"]
    assert protocol["Source"].tolist() == ["a"] * 3  # still one recording
    # It is a corpus of its own, below the folder of all sets.
    again = read_corpus("csv", tmp_path / "segments", path=folder / "protocol.csv")
    assert again.equals(protocol)
    with (folder / "protocol.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["Path"] == "$ROOT/test_4s/DFE24-a_seg1.flac"


def test_different_ids_have_different_files() -> None:
    names = ["a/b", "a_b", "a b", "a,b", ".a", "-a", "A" * 300, "A" * 301, "a\nb"]
    files = [segment_file(name) for name in names]
    assert len(set(files)) == len(files)
    assert all(len(file) < 256 and "/" not in file and file[0] not in ".-" for file in files)


def test_audio_that_is_too_short(tmp_path: Path, segments: Segments) -> None:
    soundfile.write(tmp_path / "audio/c/a.flac", WAVE[:35_000], 16_000)
    with pytest.raises(InputError, match=r"a\.flac has 35000 samples, not 32000 to 40000"):
        materialise_segments(segments, tmp_path / "audio", tmp_path / "out")
    assert not (tmp_path / "out/protocol.csv").exists()
