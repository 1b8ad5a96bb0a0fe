"""ADD2023, track 1.2, round 2: the audio fake game's detection test set."""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from sdd.corpora.listing import Release, Utterance, label_of, make_protocol, read_lines, select
from sdd.errors import InputError

RELEASE = Release(
    "ADD2023",
    "http://addchallenge.cn/downloadADD2023: track 1.2, test of round 2, with its labels",
    "as stated there",
)
LABELS = {"genuine": "real", "fake": "fake"}


def read(
    root: Path, *, partitions: Collection[str] | None = None, allowed_missing: int = 0
) -> pd.DataFrame:
    """Read ADD2023 track 1.2 round 2.

    Layout: `ADD2023/Track1.2/testR2/label.txt` with lines `file.wav genuine|fake`, audio in `wav/`.

    Parameters
    ----------
    root
        The data root.
    partitions
        Values of Proportion to keep (all are `test`); None keeps all.
    allowed_missing
        How many audio files may be missing.

    Returns
    -------
    DataFrame
        The protocol; IDs are `ADD2023-<file name>`.

    Raises
    ------
    InputError
        If the corpus is missing or incomplete, or a line is malformed.
    """
    folder = root / "ADD2023" / "Track1.2" / "testR2"
    labels = folder / "label.txt"
    utterances = []
    for number, line in read_lines(labels, RELEASE):
        name, _, label = line.rpartition(" ")
        if not name:
            raise InputError(f"{labels}, line {number}: {line!r} is not `file.wav genuine|fake`.")
        utterances.append(
            Utterance(
                name=f"ADD2023-{name.strip()}",
                label=label_of(label, LABELS, f"{labels}, line {number}"),
                path=folder / "wav" / name.strip(),
                proportion="test",
            )
        )
    return make_protocol(select(utterances, partitions), root, RELEASE, labels, allowed_missing)
