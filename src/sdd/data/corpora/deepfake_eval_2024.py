"""Deepfake-Eval-2024, audio: deepfakes that circulated on social media in 2024.

Below the data root::

    Deepfake-Eval-2024
    ├── audio-metadata-publish.csv      Filename, Ground Truth, Finetuning Set
    └── audio-data
        └── *.{mp3,m4a,mp4,wav,dat}

Most files are mp3; `.dat` files are MP4 containers. Files whose Ground Truth is neither Real nor
Fake are set aside, with their number in the log. IDs are `DFE24-<stem>`, one for each source file;
the Finetuning Set is `train` or `test`.
"""

import logging
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from sdd.data.corpora.listing import Listing, Utterance, names_by_stem
from sdd.data.corpora.protocol import LABELS, UNKNOWN
from sdd.data.corpora.release import Published, Release, read_metadata

RELEASE = Release(
    "Deepfake-Eval-2024",
    "https://huggingface.co/datasets/nuriachandra/Deepfake-Eval-2024 (access on request)",
    "CC BY-SA 4.0 and the conditions of access, says its dataset card",
    (Published(None, None, None, "its dataset card; arXiv 2503.02857", hours=56.5),),
)
PARTITIONS = {"train": "train", "test": "test"}
COLUMNS = ("Filename", "Ground Truth", "Finetuning Set")

logger = logging.getLogger(__name__)


def list_utterances(root: Path, partitions: Collection[str] | None = None) -> Listing:
    """List the audio part of Deepfake-Eval-2024.

    Parameters
    ----------
    partitions
        Values of Proportion to list; None lists all.

    Raises
    ------
    InputError
        If the metadata is missing, no CSV, or lacks a column.
    """
    folder = root / "Deepfake-Eval-2024"
    metadata = folder / "audio-metadata-publish.csv"
    table = read_metadata(metadata, COLUMNS, RELEASE)
    audio = folder / "audio-data"
    listing = Listing(RELEASE, metadata, (audio,))
    labels = table["Ground Truth"].str.strip().str.lower()
    usable = labels.isin(LABELS)
    if not usable.all():
        aside = table[~usable]
        listing.others += [audio / name for name in aside["Filename"]]
        listing.set_aside |= Counter(aside["Ground Truth"])
        logger.info(
            "%s: %d files that are neither real nor fake are set aside: %s",
            RELEASE.title,
            len(aside),
            listing.set_aside,
        )
    table, labels = table[usable], labels[usable]
    paths = [audio / name for name in table["Filename"]]
    names = names_by_stem([("DFE24-", path) for path in paths])
    parts = table["Finetuning Set"].str.strip().str.lower()
    for name, label, path, part in zip(names, labels, paths, parts, strict=True):
        utterance = Utterance(name, label, path, proportion=PARTITIONS.get(part, UNKNOWN))
        listing.add(utterance, partitions)
    return listing
