"""Trees of released corpora in miniature, and the files that they are made of."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile


def write_audio(path: Path, seconds: float = 0.5, rate: int = 16_000, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(seconds * rate)) / rate
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 220 * time), rate, **options)
    return path


def write_mp4(path: Path, seconds: float = 0.5, rate: int = 44_100) -> Path:
    """Write AAC in an MP4 container, whatever the file is called."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(seconds * rate), dtype=np.float32) / rate
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=rate)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(
            0.3 * np.sin(2 * np.pi * 220 * time)[None], format="fltp", layout="mono"
        )
        frame.rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return path


def write_text(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def write_fake_or_real(root: Path) -> Path:
    folder = root / "FakeOrReal/for-original"
    for part in ("training", "validation", "testing"):
        for label in ("real", "fake"):
            write_audio(folder / part / label / "file1.wav")
    write_audio(folder / "testing/fake/file1.mp3", 0.75, 44_100)
    write_text(folder / "testing/fake/readme.txt", "not audio")
    return folder


def write_deep_voice(root: Path) -> Path:
    folder = root / "DeepVoice"
    write_audio(folder / "KAGGLE/AUDIO/FAKE/Obama-to-Biden.wav", 2.0, 44_100)
    write_audio(folder / "KAGGLE/AUDIO/REAL/musk-original.wav", 1.0, 48_000)
    write_text(
        folder / "DeepVoice_seg_log.txt",
        "Audio: Obama-to-Biden_seg_1, start at: 0, end at: 44100\n"
        "Saved: /base_path/FAKE/Obama-to-Biden_seg_1.wav\n"
        "Audio: Obama-to-Biden_seg_2, start at: 22050, end at: 90000\n"
        "Saved: /base_path/FAKE/Obama-to-Biden_seg_2.wav\n"
        "Audio: musk-original_seg_1, start at: 0, end at: 24000\n",
    )
    return folder


def write_in_the_wild(root: Path, count: int = 2) -> Path:
    folder = root / "In-the-Wild/release_in_the_wild"
    write_text(
        folder / "meta.csv",
        'file,speaker,label\n0.wav,Alec Guinness,spoof\n1.wav,"X, Jr.",bona-fide\n',
    )
    for number in range(count):
        write_audio(folder / f"{number}.wav")
    return folder
