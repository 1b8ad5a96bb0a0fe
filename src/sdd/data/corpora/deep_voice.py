"""DEEP-VOICE: voices of public figures converted into each other, cut by a published log.

Below the data root::

    DeepVoice
    ├── DeepVoice_seg_log.txt       Audio: NAME_seg_N, start at: S, end at: E
    └── KAGGLE
        └── AUDIO
            ├── REAL
            │   └── *.wav
            └── FAKE
                └── *-to-*.wav

The log is AntiDeepfake's: S and E are samples at the file's own rate, consecutive segments overlap,
and its other lines are ignored. An utterance is a segment, a window of its recording; IDs are
`DeepVoice-VC_<NAME_seg_N>`. Recordings with `-to-` in their name are fake. Proportion is `-`.
"""

import re
from collections.abc import Collection
from pathlib import Path

from sdd.data.corpora.listing import Listing, Utterance
from sdd.data.corpora.release import Published, Release, read_lines
from sdd.errors import InputError

SAID_BY = "AntiDeepfake's segment log"
RELEASE = Release(
    "DEEP-VOICE",
    "https://www.kaggle.com/datasets/birdy654/deep-voice-deepfake-voice-recognition, and "
    "DeepVoice_seg_log.txt from https://github.com/nii-yamagishilab/AntiDeepfake (protocols)",
    "MIT, says the card of another packaging (SpeechAntiSpoofingBenchmarks); its own page was not "
    "verified",
    (
        Published(6_593, None, None, SAID_BY),
        Published(810, None, "real", SAID_BY),
        Published(5_783, None, "fake", SAID_BY),
    ),
)
_LINE = re.compile(r"Audio: (.+)_seg_(\d+), start at: (\d+), end at: (\d+)")


def list_utterances(root: Path, partitions: Collection[str] | None = None) -> Listing:
    """List DEEP-VOICE as segmented by AntiDeepfake.

    Parameters
    ----------
    partitions
        Values of Proportion to list; None lists all.

    Raises
    ------
    InputError
        If the log is missing or not text.
    """
    folder = root / "DeepVoice"
    segment_log = folder / "DeepVoice_seg_log.txt"
    audio = folder / "KAGGLE" / "AUDIO"
    listing = Listing(RELEASE, segment_log, (audio / "REAL", audio / "FAKE"))
    for number, line in read_lines(segment_log, RELEASE):
        if line.startswith("Audio:"):
            with listing.noting_problems():
                where = f"{segment_log}, line {number}"
                listing.add(_utterance(line, where, audio), partitions)
    return listing


def _utterance(line: str, where: str, audio: Path) -> Utterance:
    match = _LINE.fullmatch(line)
    if match is None:
        raise InputError(
            f"{where}: {line!r} is not `Audio: NAME_seg_N, start at: S, end at: E`; "
            "restore the published log."
        )
    recording, index, start, end = match.groups()
    label = "fake" if "-to-" in recording else "real"
    return Utterance(
        name=f"DeepVoice-VC_{recording}_seg_{index}",
        label=label,
        path=audio / label.upper() / f"{recording}.wav",
        attack="VC",
        language="EN",
        window=(int(start), int(end)),
    )
