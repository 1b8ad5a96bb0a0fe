"""FakeOrReal (FoR), in its original version.

Below the data root::

    FakeOrReal
    └── for-original
        ├── training
        │   ├── real
        │   │   └── *.{wav,mp3}
        │   └── fake
        │       └── *.{wav,mp3}
        ├── validation
        │   └── ...
        └── testing
            └── ...

The release has no list of its files. IDs are `FoR-<partition>-<label>-<stem>` with the release's
word for the partition; where a wav and an mp3 share a stem, the later path in sorted order has
`-<extension>` added. Proportion is `train`, `valid` or `test`.
"""

from collections.abc import Collection
from pathlib import Path

from sdd.data.corpora.listing import Listing, Utterance, names_by_stem
from sdd.data.corpora.protocol import LABELS
from sdd.data.corpora.release import Release, archive_hint
from sdd.data.folders import Walk, find_audio
from sdd.data.paths import is_folder

RELEASE = Release(
    "FakeOrReal",
    "https://bil.eecs.yorku.ca/datasets (for-original)",
    "not verified: see there",
)
# The release's partition -> ours.
PARTITIONS = {"training": "train", "validation": "valid", "testing": "test"}
SUFFIXES = (".wav", ".mp3")


def list_utterances(root: Path, partitions: Collection[str] | None = None) -> Listing:
    """List FakeOrReal.

    Parameters
    ----------
    partitions
        Values of Proportion to list; None lists all. The others need not be there.
    """
    folder = root / "FakeOrReal" / "for-original"
    listing = Listing(RELEASE, folder)
    for part, proportion in PARTITIONS.items():
        if partitions is not None and proportion not in partitions:
            continue
        for label in LABELS:
            with listing.noting_problems():
                walk = _walk(folder / part / label)
                listing.note_walk(walk)
                names = names_by_stem([(f"FoR-{part}-{label}-", file) for file in walk.files])
                for name, file in zip(names, walk.files, strict=True):
                    utterance = Utterance(name, label, file, proportion=proportion, language="EN")
                    listing.add(utterance, partitions)
    return listing


def _walk(folder: Path) -> Walk:
    if not is_folder(folder):
        raise RELEASE.error(f"folder {folder} is missing.{archive_hint(folder)}")
    walk = find_audio(folder, SUFFIXES)
    if not walk.files and not walk.problems:
        raise RELEASE.error(f"folder {folder} holds no wav or mp3 file.")
    return walk
