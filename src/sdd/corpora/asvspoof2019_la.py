"""ASVspoof 2019, logical access: validation data, and the reference of the drift."""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from sdd.corpora.listing import Release, Utterance, label_of, make_protocol, read_lines
from sdd.errors import InputError

RELEASE = Release(
    "ASVspoof 2019 LA", "https://datashare.ed.ac.uk/handle/10283/3336 (LA.zip)", "as stated there"
)
LABELS = {"bonafide": "real", "spoof": "fake"}
# Our partition -> the release's, and the ending of its protocol file.
PARTITIONS = {
    "train": ("train", "train.trn"),
    "valid": ("dev", "dev.trl"),
    "test": ("eval", "eval.trl"),
}


def read(
    root: Path, *, partitions: Collection[str] | None = None, allowed_missing: int = 0
) -> pd.DataFrame:
    """Read ASVspoof 2019 LA.

    Layout, below `ASVspoof2019-LA/LA/`: `ASVspoof2019_LA_{train,dev,eval}/flac/*.flac`, and
    `ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.{train.trn,dev.trl,eval.trl}.txt` with lines
    `SPEAKER FILE - ATTACK bonafide|spoof`.

    Parameters
    ----------
    root
        The data root.
    partitions
        Which of train, valid (the release's dev) and test (eval) to read; None reads all. The
        others need not be there.
    allowed_missing
        How many audio files may be missing.

    Returns
    -------
    DataFrame
        The protocol; IDs are `ASV19LA-<utterance>`.

    Raises
    ------
    InputError
        If a partition is missing or incomplete, or a line is malformed.
    """
    folder = root / "ASVspoof2019-LA" / "LA"
    protocols = folder / "ASVspoof2019_LA_cm_protocols"
    utterances = []
    for proportion, (part, ending) in PARTITIONS.items():
        if partitions is not None and proportion not in partitions:
            continue
        listing = protocols / f"ASVspoof2019.LA.cm.{ending}.txt"
        audio = folder / f"ASVspoof2019_LA_{part}" / "flac"
        for number, line in read_lines(listing, RELEASE):
            where = f"{listing}, line {number}"
            utterances.append(_utterance(line, where, audio, proportion))
    return make_protocol(utterances, root, RELEASE, protocols, allowed_missing)


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
