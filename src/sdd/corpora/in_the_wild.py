"""In-the-Wild: real and fake speech of public figures, collected from the web."""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from sdd.corpora.listing import (
    Release,
    Utterance,
    label_of,
    make_protocol,
    require_file,
    select,
)
from sdd.corpora.protocol import UNKNOWN, read_text_table
from sdd.errors import InputError

RELEASE = Release(
    "In-the-Wild", "https://deepfake-total.com/in_the_wild (31,779 files)", "as stated there"
)
LABELS = {"bona-fide": "real", "spoof": "fake"}
COLUMNS = ("file", "speaker", "label")


def read(
    root: Path, *, partitions: Collection[str] | None = None, allowed_missing: int = 0
) -> pd.DataFrame:
    """Read In-the-Wild.

    Layout, in `In-the-Wild/release_in_the_wild/`: `meta.csv` with the columns file, speaker and
    label (bona-fide or spoof), the audio files beside it. Published: 19,963 real, 11,816 fake.

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
        The protocol; IDs are `ItW-<stem>`.

    Raises
    ------
    InputError
        If the corpus is missing or incomplete, or its metadata is malformed.
    """
    folder = root / "In-the-Wild" / "release_in_the_wild"
    metadata = folder / "meta.csv"
    require_file(metadata, RELEASE)
    table = read_text_table(metadata)
    for column in COLUMNS:
        if column not in table.columns:
            raise InputError(
                f"{metadata} has no column {column}; it has {', '.join(table.columns)}."
            )
    utterances = [
        Utterance(
            name=f"ItW-{Path(file).stem}",
            label=label_of(label, LABELS, f"{metadata}, row {row}"),
            path=folder / file,
            speaker=speaker or UNKNOWN,
            language="EN",
        )
        for row, (file, speaker, label) in enumerate(
            zip(*(table[column] for column in COLUMNS), strict=True), start=2
        )
    ]
    return make_protocol(select(utterances, partitions), root, RELEASE, metadata, allowed_missing)
