"""From a tree as released to segments, against a direct computation, to the sample."""

from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
import torchaudio.functional

from sdd.data.audio.prepared import read_segment
from sdd.data.corpora import read_corpus
from sdd.data.cutting import cut_segments
from sdd.data.preparation import prepare_corpus
from tests.helpers.audio_files import chirp, write_container

# Name, partition, seconds, rate and channels: tails of every kind, and none.
SOURCES = [
    ("one two.mp3", "Test", 60.3, 44_100, 2),
    ("three.m4a", "Test", 13.0, 48_000, 1),
    ("four.dat", "Test", 4.01, 22_050, 2),
    ("five.wav", "Test", 8.0, 16_000, 1),
    ("six.mp4", "Train", 31.0, 44_100, 1),
    ("seven.mp3", "Train", 14.9, 24_000, 1),
]


def write_source(path: Path, seconds: float, rate: int, channels: int) -> None:
    samples = np.stack([chirp(seconds, rate, 0.1 * (c + 1)) for c in range(channels)])
    if path.suffix in (".m4a", ".mp4", ".dat"):
        kind = "ipod" if path.suffix == ".m4a" else "mp4"
        write_container(path, samples, rate, "aac", kind)
    else:
        soundfile.write(path, samples.T, rate)


def whole_at_16_khz(path: Path) -> np.ndarray:
    """The source by the plain calls, on the whole, in steps of 16 bits."""
    if path.suffix in (".m4a", ".mp4", ".dat"):
        with av.open(str(path)) as container:
            rate = container.streams.audio[0].rate
            samples = np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], 1)
    else:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        samples = samples.T
    mono = torch.from_numpy(samples.mean(axis=0, dtype=np.float32))
    resampled = torchaudio.functional.resample(mono, rate, 16_000).numpy()
    return np.clip(np.rint(resampled * 32768), -32768, 32767).astype(np.int64)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame, pd.DataFrame]:
    root = tmp_path_factory.mktemp("release")
    folder = root / "Deepfake-Eval-2024"
    (folder / "audio-data").mkdir(parents=True)
    rows = ["Filename,Ground Truth,Finetuning Set"]
    for number, (name, partition, *form) in enumerate(SOURCES):
        write_source(folder / "audio-data" / name, *form)
        rows.append(f"{name},{('Real', 'Fake')[number % 2]},{partition}")
    (folder / "audio-metadata-publish.csv").write_text("\n".join(rows) + "\n")
    protocol = read_corpus("deepfake_eval_2024", root)
    audio = prepare_corpus(protocol["Path"], root, root / "audio", "dfe24", workers=2)
    return root, protocol, pd.DataFrame(audio)


@pytest.mark.parametrize(
    ("partition", "seconds"),
    [("test", 4), ("test", 10), ("test", 13), ("test", 30), ("test", 50), ("train", 15)],
)
def test_deepfake_eval_2024(
    release: tuple[Path, pd.DataFrame, pd.DataFrame], partition: str, seconds: int
) -> None:
    root, protocol, audio = release
    table = cut_segments(protocol, audio, partition=partition, label=None, max_seconds=seconds)
    expected = []
    for number, (name, part, *_) in enumerate(SOURCES):
        if part.lower() != partition:
            continue
        whole = whole_at_16_khz(root / "Deepfake-Eval-2024/audio-data" / name)
        starts = range(0, len(whole), seconds * 16_000)
        pieces = [whole[start : start + seconds * 16_000] for start in starts]
        expected += [
            (f"DFE24-{Path(name).stem}_seg{index}", ("real", "fake")[number % 2], piece)
            for index, piece in enumerate(pieces, start=1)
            if len(piece) >= 400
        ]
    assert table["segment_id"].tolist() == [name for name, _, _ in expected]
    assert table["label"].tolist() == [label for _, label, _ in expected]
    for row, (_, _, piece) in zip(table.itertuples(), expected, strict=True):
        got = read_segment(root / "audio" / row.file, row.start, row.end)
        assert len(got) == len(piece)
        assert np.abs(np.rint(got * 32768).astype(np.int64) - piece).max() <= 1
