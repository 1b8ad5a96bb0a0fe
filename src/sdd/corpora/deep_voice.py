"""DEEP-VOICE: voices of public figures converted into each other, cut by a published log."""

import re
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from sdd.corpora.listing import Release, Utterance, make_protocol, read_lines, select
from sdd.errors import InputError

RELEASE = Release(
    "DEEP-VOICE",
    "https://www.kaggle.com/datasets/birdy654/deep-voice-deepfake-voice-recognition, and "
    "DeepVoice_seg_log.txt from https://github.com/nii-yamagishilab/AntiDeepfake (protocols)",
    "as stated there",
)
_LINE = re.compile(r"Audio: (.+)_seg_(\d+), start at: (\d+), end at: (\d+)")


def read(
    root: Path, *, partitions: Collection[str] | None = None, allowed_missing: int = 0
) -> pd.DataFrame:
    """Read DEEP-VOICE as segmented by AntiDeepfake.

    Layout, in `DeepVoice/`: `KAGGLE/AUDIO/{REAL,FAKE}/*.wav`, and `DeepVoice_seg_log.txt` with
    lines `Audio: NAME_seg_N, start at: S, end at: E` in samples at the file's own rate; its other
    lines are ignored. Published: 6,593 segments, 810 real and 5,783 fake. Consecutive segments
    overlap.

    Parameters
    ----------
    root
        The data root.
    partitions
        Values of Proportion to keep (all are `-`); None keeps all.
    allowed_missing
        How many audio files may be missing.

    Returns
    -------
    DataFrame
        The protocol, a row for each segment, with Start and End; Path is the recording, IDs are
        `DeepVoice-VC_<NAME_seg_N>`. Recordings with `-to-` in their name are fake.

    Raises
    ------
    InputError
        If the corpus is missing or incomplete, or a line of the log is malformed.
    """
    folder = root / "DeepVoice"
    segment_log = folder / "DeepVoice_seg_log.txt"
    utterances = []
    for number, line in read_lines(segment_log, RELEASE):
        if not line.startswith("Audio:"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise InputError(
                f"{segment_log}, line {number}: {line!r} is not "
                "`Audio: NAME_seg_N, start at: S, end at: E`; restore the published log."
            )
        recording, index, start, end = match.groups()
        label = "fake" if "-to-" in recording else "real"
        utterances.append(
            Utterance(
                name=f"DeepVoice-VC_{recording}_seg_{index}",
                label=label,
                path=folder / "KAGGLE" / "AUDIO" / label.upper() / f"{recording}.wav",
                attack="VC",
                language="EN",
                window=(int(start), int(end)),
            )
        )
    return make_protocol(
        select(utterances, partitions), root, RELEASE, segment_log, allowed_missing
    )
