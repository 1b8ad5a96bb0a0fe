"""FakeOrReal (FoR), in its original version."""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from sdd.corpora.listing import Release, Utterance, make_protocol, names_by_stem
from sdd.corpora.protocol import LABELS, walk_audio

RELEASE = Release(
    "FakeOrReal",
    "https://bil.eecs.yorku.ca/datasets (for-original)",
    "as stated there",
)
# The release's partition -> ours.
PARTITIONS = {"training": "train", "validation": "valid", "testing": "test"}
SUFFIXES = (".wav", ".mp3")


def read(
    root: Path, *, partitions: Collection[str] | None = None, allowed_missing: int = 0
) -> pd.DataFrame:
    """Read FakeOrReal.

    Layout: `FakeOrReal/for-original/{training,validation,testing}/{real,fake}/*.{wav,mp3}`. The
    release has no list of its files.

    Parameters
    ----------
    root
        The data root.
    partitions
        Which of train, valid and test to read; None reads all. The others need not be there.
    allowed_missing
        As for the other corpora; without a list of files only broken links can be missing.

    Returns
    -------
    DataFrame
        The protocol; IDs are `FoR-<partition>-<label>-<stem>` with the release's word for the
        partition. Where a wav and an mp3 share a stem, the later path in sorted order has
        `-<extension>` added.

    Raises
    ------
    InputError
        If a folder that is asked for is missing or holds no audio.
    """
    folder = root / "FakeOrReal" / "for-original"
    utterances: list[Utterance] = []
    for part, proportion in PARTITIONS.items():
        if partitions is not None and proportion not in partitions:
            continue
        for label in LABELS:
            files = _files(folder / part / label)
            names = names_by_stem([(f"FoR-{part}-{label}-", file) for file in files])
            utterances += [
                Utterance(name, label, file, proportion=proportion, language="EN")
                for name, file in zip(names, files, strict=True)
            ]
    return make_protocol(utterances, root, RELEASE, folder, allowed_missing)


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise RELEASE.error(f"folder {folder} is missing.")
    files = list(walk_audio(folder, SUFFIXES))
    if not files:
        raise RELEASE.error(f"folder {folder} holds no wav or mp3 file.")
    return files
