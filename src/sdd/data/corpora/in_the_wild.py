"""In-the-Wild: real and fake speech of public figures, collected from the web.

Below the data root::

    In-the-Wild
    └── release_in_the_wild
        ├── meta.csv        file, speaker, label (bona-fide or spoof)
        └── *.wav

IDs are `ItW-<stem>`; Proportion is `-`.
"""

from collections.abc import Collection
from pathlib import Path

from sdd.data.corpora.listing import Listing, Utterance
from sdd.data.corpora.protocol import UNKNOWN
from sdd.data.corpora.release import Published, Release, label_of, read_metadata

CARD = "hours: its dataset card; utterances: the literature, not verified"
RELEASE = Release(
    "In-the-Wild",
    "https://huggingface.co/datasets/mueller91/In-The-Wild (release_in_the_wild.zip) or "
    "https://deepfake-total.com/in_the_wild",
    "CC BY-SA 4.0, says its dataset card",
    (
        Published(19_963, None, "real", CARD, hours=20.7),
        Published(11_816, None, "fake", CARD, hours=17.2),
    ),
)
LABELS = {"bona-fide": "real", "spoof": "fake"}
COLUMNS = ("file", "speaker", "label")


def list_utterances(root: Path, partitions: Collection[str] | None = None) -> Listing:
    """List In-the-Wild.

    Parameters
    ----------
    partitions
        Values of Proportion to list; None lists all.

    Raises
    ------
    InputError
        If the metadata is missing, no CSV, or lacks a column.
    """
    folder = root / "In-the-Wild" / "release_in_the_wild"
    metadata = folder / "meta.csv"
    table = read_metadata(metadata, COLUMNS, RELEASE)
    listing = Listing(RELEASE, metadata, (folder,))
    cells = zip(*(table[column] for column in COLUMNS), strict=True)
    for row, (file, speaker, label) in zip(table.index, cells, strict=True):
        with listing.noting_problems():
            utterance = Utterance(
                name=f"ItW-{Path(file).stem}",
                label=label_of(label, LABELS, f"{metadata}, row {row}"),
                path=folder / file,
                speaker=speaker or UNKNOWN,
                language="EN",
            )
            listing.add(utterance, partitions)
    return listing
