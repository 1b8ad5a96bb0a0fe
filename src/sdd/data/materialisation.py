"""Segments as files of their own, for tools that know no windows."""

import logging
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import soundfile

from sdd.data.audio import SAMPLE_RATE
from sdd.data.audio.prepared import read_segment
from sdd.data.corpora.protocol import COLUMNS, SOURCE_COLUMN, UNKNOWN, write_protocol
from sdd.data.paths import ROOT_PREFIX
from sdd.data.segments import Segments
from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.digests import text_digest

PROTOCOL = "protocol.csv"

log = logging.getLogger(__name__)


def materialise_segments(
    segments: Segments, audio_folder: Path, folder: Path, *, workers: int = 1
) -> None:
    """Write each segment as a 16 kHz mono FLAC, and their protocol as AntiDeepfake's CSV.

    Parameters
    ----------
    segments
        The table of a set.
    audio_folder
        Where prepared audio lies.
    folder
        Where to write: `<ID>.flac` for each segment, `protocol.csv` last. Its Path begins with
        `$ROOT/<name of the folder>/`, so `$ROOT` stands for the folder around it. FLAC files of
        segments that the table does not have are removed.

    Raises
    ------
    InputError
        If a prepared file is missing or shorter than its segments.
    """
    names = [segment_file(name) for name in segments.segment_id]

    def write(row: int) -> None:
        start, end = int(segments.start[row]), int(segments.end[row])
        samples = read_segment(audio_folder / segments.file[row], start, end)
        with atomic_path(folder / names[row]) as temporary:
            soundfile.write(temporary, samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16")

    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(max(1, workers)) as pool:
        list(pool.map(write, range(len(segments))))
    for stale in set(folder.glob("*.flac")) - {folder / name for name in names}:
        stale.unlink()
    write_protocol(_protocol(segments, names, folder.name), folder / PROTOCOL)
    log.info("%d segments written to %s", len(segments), folder)


def segment_file(name: str) -> str:
    """Name the file of a segment: ``<ID>.flac``, or what of the ID is safe and a digest of it."""
    if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}", name):
        return f"{name}.flac"
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip(".-")[:100]
    return f"{safe}-{text_digest(name)[:12]}.flac"


def _protocol(segments: Segments, names: Sequence[str], folder: str) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "ID": segments.segment_id,
            "Label": segments.label,
            "Duration": (segments.end - segments.start) / SAMPLE_RATE,
            "SampleRate": SAMPLE_RATE,
            "Path": [f"{ROOT_PREFIX}{folder}/{name}" for name in names],
            "Attack": segments.attack,
            "Speaker": segments.speaker,
            "Proportion": UNKNOWN,
            "AudioChannel": 1,
            "AudioEncoding": "FLAC",
            "AudioBitSample": 16,
            "Language": UNKNOWN,
            # A segment is a file of its own now: what it was cut from would be lost.
            SOURCE_COLUMN: segments.source,
        }
    )
    return frame[[*COLUMNS, SOURCE_COLUMN]]
