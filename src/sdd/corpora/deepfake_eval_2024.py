"""Deepfake-Eval-2024, audio: deepfakes that circulated on social media in 2024."""

import logging
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from sdd.corpora.listing import (
    Release,
    Utterance,
    make_protocol,
    names_by_stem,
    require_file,
    select,
)
from sdd.corpora.protocol import LABELS, UNKNOWN, read_text_table
from sdd.errors import InputError

RELEASE = Release(
    "Deepfake-Eval-2024",
    "https://huggingface.co/datasets/nuriachandra/Deepfake-Eval-2024 (access on request)",
    "as stated there",
)
PARTITIONS = {"train": "train", "test": "test"}
COLUMNS = ("Filename", "Ground Truth", "Finetuning Set")

log = logging.getLogger(__name__)


def read(
    root: Path, *, partitions: Collection[str] | None = None, allowed_missing: int = 0
) -> pd.DataFrame:
    """Read the audio part of Deepfake-Eval-2024.

    Layout, in `Deepfake-Eval-2024/`: `audio-metadata-publish.csv` with the columns Filename,
    Ground Truth and Finetuning Set, audio in `audio-data/`: mp3 mostly, also m4a, mp4, wav, and
    `.dat` files that are MP4 containers. Files whose Ground Truth is neither Real nor Fake are
    set aside, with their number in the log.

    Parameters
    ----------
    root
        The data root.
    partitions
        Values of Proportion to keep (train, test); None keeps all.
    allowed_missing
        How many audio files may be missing.

    Returns
    -------
    DataFrame
        The protocol, a row for each source file; IDs are `DFE24-<stem>`.

    Raises
    ------
    InputError
        If the corpus is missing or incomplete, or its metadata is malformed.
    """
    folder = root / "Deepfake-Eval-2024"
    metadata = folder / "audio-metadata-publish.csv"
    require_file(metadata, RELEASE)
    table = read_text_table(metadata)
    for column in COLUMNS:
        if column not in table.columns:
            raise InputError(
                f"{metadata} has no column {column}; it has {', '.join(table.columns)}."
            )
    labels = table["Ground Truth"].str.strip().str.lower()
    usable = labels.isin(LABELS)
    if not usable.all():
        log.info(
            "%s: %d files that are neither real nor fake are set aside: %s",
            RELEASE.title,
            int((~usable).sum()),
            dict(Counter(table.loc[~usable, "Ground Truth"])),
        )
    table, labels = table[usable], labels[usable]
    paths = [folder / "audio-data" / name for name in table["Filename"]]
    names = names_by_stem([("DFE24-", path) for path in paths])
    parts = table["Finetuning Set"].str.strip().str.lower()
    utterances = [
        Utterance(name, label, path, proportion=PARTITIONS.get(part, UNKNOWN))
        for name, label, path, part in zip(names, labels, paths, parts, strict=True)
    ]
    return make_protocol(select(utterances, partitions), root, RELEASE, metadata, allowed_missing)
