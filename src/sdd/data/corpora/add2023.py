"""ADD2023, track 1.2, round 2: the audio fake game's detection test set.

Below the data root::

    ADD2023
    └── Track1.2
        └── testR2
            ├── label.txt       file.wav genuine|fake
            └── wav
                └── *.wav

IDs are `ADD2023-<file name>`; all is `test`.
"""

from collections.abc import Collection
from pathlib import Path

from sdd.data.corpora.listing import Listing, Utterance
from sdd.data.corpora.release import Release, label_of, read_lines
from sdd.errors import InputError

RELEASE = Release(
    "ADD2023",
    "http://addchallenge.cn/downloadADD2023: track 1.2, test of round 2, with its labels",
    "CC BY-NC-ND 4.0, says the card of another packaging (SpeechAntiSpoofingBenchmarks); its own "
    "page was not verified",
)
LABELS = {"genuine": "real", "fake": "fake"}


def list_utterances(root: Path, partitions: Collection[str] | None = None) -> Listing:
    """List ADD2023 track 1.2 round 2.

    Parameters
    ----------
    partitions
        Values of Proportion to list; None lists all.

    Raises
    ------
    InputError
        If the list is missing or not text.
    """
    folder = root / "ADD2023" / "Track1.2" / "testR2"
    labels = folder / "label.txt"
    listing = Listing(RELEASE, labels, (folder / "wav",))
    for number, line in read_lines(labels, RELEASE):
        with listing.noting_problems():
            listing.add(_utterance(line, f"{labels}, line {number}", folder / "wav"), partitions)
    return listing


def _utterance(line: str, where: str, audio: Path) -> Utterance:
    name, _, label = line.rpartition(" ")
    if not name:
        raise InputError(f"{where}: {line!r} is not `file.wav genuine|fake`.")
    name = name.strip()
    return Utterance(
        name=f"ADD2023-{name}",
        label=label_of(label, LABELS, where),
        path=audio / name,
        proportion="test",
    )
