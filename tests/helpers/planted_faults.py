"""Ten faults, planted in corpora as released; each with what an inventory must say of it."""

import shutil
from pathlib import Path

import numpy as np
import soundfile


def plant_faults(root: Path) -> dict[str, tuple[str, str]]:
    """Plant them; give the kind of finding and the end of what it names, by a word for each."""
    return {
        "missing": _missing(root),
        "unreadable": _unreadable(root),
        "zero length": _zero_length(root),
        "silent": _silent(root),
        "clipped": _clipped(root),
        "odd rate": _odd_rate(root),
        "odd channels": _odd_channels(root),
        "cut short": _cut_short(root),
        "two labels": _two_labels(root),
        "unlisted": _unlisted(root),
    }


def _files(root: Path, pattern: str) -> list[Path]:
    return sorted(root.glob(pattern))


def _missing(root: Path) -> tuple[str, str]:
    path = _files(root, "In-the-Wild/release_in_the_wild/*.wav")[0]
    path.unlink()
    return "missing", path.name


def _unreadable(root: Path) -> tuple[str, str]:
    path = _files(root, "Deepfake-Eval-2024/audio-data/*.m4a")[0]
    path.write_bytes(path.read_bytes()[:1000])
    return "unreadable", path.name


def _zero_length(root: Path) -> tuple[str, str]:
    path = _files(root, "ADD2023/Track1.2/testR2/wav/*.wav")[1]
    soundfile.write(path, np.zeros(0), 16_000)
    return "empty", path.name


def _silent(root: Path) -> tuple[str, str]:
    path = _files(root, "ASVspoof2019-LA/LA/ASVspoof2019_LA_dev/flac/*.flac")[0]
    soundfile.write(path, np.zeros(30_000), 16_000)
    return "silent", path.name


def _clipped(root: Path) -> tuple[str, str]:
    path = _files(root, "In-the-Wild/release_in_the_wild/*.wav")[-1]
    samples, rate = soundfile.read(path)
    soundfile.write(path, np.clip(samples / np.abs(samples).max() * 4, -1, 1), rate)
    return "clipped", path.name


def _odd_rate(root: Path) -> tuple[str, str]:
    path = _files(root, "ADD2023/Track1.2/testR2/wav/*.wav")[2]
    samples, _ = soundfile.read(path)
    soundfile.write(path, samples[::2], 8_000)
    return "rate", path.name


def _odd_channels(root: Path) -> tuple[str, str]:
    path = _files(root, "DeepVoice/KAGGLE/AUDIO/REAL/*.wav")[0]
    samples, rate = soundfile.read(path)
    soundfile.write(path, np.repeat(samples[:, None], 6, axis=1), rate)
    return "channels", path.name


def _cut_short(root: Path) -> tuple[str, str]:
    path = _files(root, "Deepfake-Eval-2024/audio-data/[0-9a-f]*.mp3")[0]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return "cut_short", path.name


def _two_labels(root: Path) -> tuple[str, str]:
    labels = root / "ADD2023/Track1.2/testR2/label.txt"
    name, label = labels.read_text().splitlines()[-1].split()
    other = {"genuine": "fake", "fake": "genuine"}[label]
    labels.write_text(labels.read_text() + f"{name} {other}\n")
    return "two_labels", name


def _unlisted(root: Path) -> tuple[str, str]:
    path = root / "ADD2023/Track1.2/testR2/wav/extra, not listed.wav"
    shutil.copy(_files(root, "ADD2023/Track1.2/testR2/wav/*.wav")[3], path)
    return "unlisted", path.name
