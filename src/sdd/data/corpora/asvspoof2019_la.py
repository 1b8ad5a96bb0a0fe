"""ASVspoof 2019, logical access: validation data, and the reference of the drift.

Below the data root::

    ASVspoof2019-LA
    └── LA
        ├── ASVspoof2019_LA_train
        │   └── flac
        │       └── LA_T_*.flac
        ├── ASVspoof2019_LA_dev
        │   └── flac
        │       └── LA_D_*.flac
        ├── ASVspoof2019_LA_eval
        │   └── flac
        │       └── LA_E_*.flac
        └── ASVspoof2019_LA_cm_protocols
            ├── ASVspoof2019.LA.cm.train.trn.txt    SPEAKER FILE - ATTACK bonafide|spoof
            ├── ASVspoof2019.LA.cm.dev.trl.txt
            └── ASVspoof2019.LA.cm.eval.trl.txt

IDs are `ASV19LA-<utterance>`; train, dev and eval are `train`, `valid` and `test`.
"""

from collections.abc import Collection
from pathlib import Path

from sdd.data.corpora.listing import Listing, Utterance
from sdd.data.corpora.release import Release, label_of, read_lines
from sdd.errors import InputError

RELEASE = Release(
    "ASVspoof 2019 LA",
    "https://datashare.ed.ac.uk/handle/10283/3336 (LA.zip)",
    "ODC-By, says the card of another packaging (LanceaKing/asvspoof2019); its own page was not "
    "verified",
)
LABELS = {"bonafide": "real", "spoof": "fake"}
# Our partition -> the release's folder, and the ending of its protocol file.
PARTITIONS = {
    "train": ("ASVspoof2019_LA_train", "train.trn"),
    "valid": ("ASVspoof2019_LA_dev", "dev.trl"),
    "test": ("ASVspoof2019_LA_eval", "eval.trl"),
}


def list_utterances(root: Path, partitions: Collection[str] | None = None) -> Listing:
    """List ASVspoof 2019 LA.

    Parameters
    ----------
    partitions
        Values of Proportion to list; None lists all. The others need not be there.
    """
    folder = root / "ASVspoof2019-LA" / "LA"
    protocols = folder / "ASVspoof2019_LA_cm_protocols"
    parts = {
        proportion: (protocols / f"ASVspoof2019.LA.cm.{ending}.txt", folder / part / "flac")
        for proportion, (part, ending) in PARTITIONS.items()
        if partitions is None or proportion in partitions
    }
    listing = Listing(RELEASE, protocols, tuple(audio for _, audio in parts.values()))
    for proportion, (listed_in, audio) in parts.items():
        with listing.noting_problems():
            for number, line in read_lines(listed_in, RELEASE):
                with listing.noting_problems():
                    where = f"{listed_in}, line {number}"
                    listing.add(_utterance(line, where, audio, proportion), partitions)
    return listing


def _utterance(line: str, where: str, audio: Path, proportion: str) -> Utterance:
    cells = line.split()
    if len(cells) != 5:
        raise InputError(f"{where}: {line!r} is not `SPEAKER FILE - ATTACK bonafide|spoof`.")
    speaker, name, _, attack, label = cells
    return Utterance(
        name=f"ASV19LA-{name}",
        label=label_of(label, LABELS, where),
        path=audio / f"{name}.flac",
        attack=attack,
        speaker=speaker,
        proportion=proportion,
        language="EN",
    )
