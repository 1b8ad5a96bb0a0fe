"""Findings: their kinds, and finding them in the rows and files of a corpus."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from sdd.data.audio.remarks import LENGTH_TOLERANCE
from sdd.data.corpora.listing import Utterance
from sdd.data.inventory.file_facts import FileFacts
from sdd.data.paths import file_identity

# Sample rates that recorders, telephones and codecs use.
COMMON_RATES = (16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
# A file is odd beside the others if so many of them are alike and so few are like it.
USUAL_SHARE, RARE_SHARE = 0.8, 0.05


@dataclass(frozen=True)
class Kind:
    """A kind of finding.

    Attributes
    ----------
    title
        Its name on the page.
    meaning
        What it is, and what to do.
    effect
        `fails`: no protocol can be made; `unreadable`: counts against the unreadable sources that
        the config allows; `note`: the experiment runs.
    """

    title: str
    meaning: str
    effect: str


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "list": Kind(
            "Lists that cannot be used",
            "A metadata file, a folder or a row is missing or malformed.",
            "fails",
        ),
        "duplicate": Kind(
            "Repeated utterances",
            "An ID or a file stands twice: one row has to go.",
            "fails",
        ),
        "two_labels": Kind(
            "Two labels for one file",
            "A file is real in one row and fake in another: keep the right one.",
            "fails",
        ),
        "missing": Kind("Missing files", "Listed, but not there.", "unreadable"),
        "empty": Kind("Files of zero length", "A header at most, and no samples.", "unreadable"),
        "unreadable": Kind(
            "Unreadable files", "Neither soundfile nor PyAV can decode them.", "unreadable"
        ),
        "window": Kind(
            "Segments beyond their file",
            "The segment begins after the end of its recording: it is another recording.",
            "fails",
        ),
        "cut_short": Kind(
            "Files cut short",
            "The header promises more than there is: the download or the copy was interrupted. "
            "What is there is used.",
            "note",
        ),
        "window_end": Kind(
            "Segments that end beyond their file",
            "Windows counted at another rate, or another recording: what is there is used.",
            "note",
        ),
        "length": Kind(
            "Headers that state too short a length",
            "The recorder was cut off, or the header is wrong. All that is there is used.",
            "note",
        ),
        "chained": Kind(
            "Several recordings in one file", "They are read as one, one after the other.", "note"
        ),
        "track": Kind(
            "Several audio tracks",
            "The default is read, else the first that is not silent.",
            "note",
        ),
        "scaled": Kind(
            "Floating-point files on another scale",
            "Samples beyond 2 (full scale is 1) are those of whole numbers, and divided by their "
            "range.",
            "note",
        ),
        "damaged": Kind("Damaged files", "What can be decoded of them is used.", "note"),
        "short": Kind(
            "Utterances too short",
            "Shorter than min_seconds: dropped when segments are cut.",
            "note",
        ),
        "silent": Kind(
            "Silent files",
            "Nothing is above -60 dB of full scale, a constant offset left out.",
            "note",
        ),
        "cancelled": Kind(
            "Channels that cancel each other",
            "Less than a tenth (-20 dB) is left in their mean, which is what is used.",
            "note",
        ),
        "clipped": Kind(
            "Clipped files", "At least 1 in 1000 samples is at full scale or beyond.", "note"
        ),
        "rate": Kind(
            "Odd sample rates",
            "Below 16 kHz, above 48 kHz, uncommon, or unlike nearly all of the corpus. All are "
            "resampled to 16 kHz, but a detector may hear the difference.",
            "note",
        ),
        "channels": Kind(
            "Odd channel counts",
            "More than two, or unlike nearly all of the corpus. Channels are averaged.",
            "note",
        ),
        "set_aside": Kind(
            "Labels that are neither real nor fake", "Their files are set aside.", "note"
        ),
        "unlisted": Kind("Files without a row", "They are not used.", "note"),
        "left_out": Kind(
            "Files that are left out",
            "Hidden, of no audio suffix, no ordinary file, or a link to another of the files.",
            "note",
        ),
        "published": Kind(
            "Counts that differ from the published ones",
            "Another release, or a part of it.",
            "note",
        ),
    }
)


@dataclass(frozen=True)
class Finding:
    """Something that a user should know.

    Attributes
    ----------
    kind
        A key of `KINDS`.
    what
        The file, ID or list it is about.
    """

    kind: str
    what: str
    detail: str

    @property
    def effect(self) -> str:
        """Whether the experiment can run with it, as `Kind` says."""
        return KINDS[self.kind].effect


def find_in_rows(utterances: Sequence[Utterance]) -> Iterator[Finding]:
    """Find what is wrong with rows, whatever is in their files.

    Yields
    ------
    Finding
        Repeated IDs and files, and files with two labels.
    """
    rows: dict[object, Utterance] = {}
    identities = {path: file_identity(path) for path in {row.path for row in utterances}}
    names: set[str] = set()
    for row in utterances:
        whole = row.window is None
        earlier = rows.setdefault(identities[row.path], row) if whole else row
        if earlier.label != row.label:
            link = f", by a link from {earlier.path}" if earlier.path != row.path else ""
            detail = f"{earlier.label} in one row and {row.label} in another (ID {row.name}){link}"
            yield Finding("two_labels", str(row.path), detail)
        elif row.name in names:
            yield Finding("duplicate", row.name, f"its second row names {row.path}")
        names.add(row.name)


def find_in_files(facts: Mapping[Path, FileFacts]) -> Iterator[Finding]:
    """Find files that cannot be used, or that are unlike what one would expect, in their order."""
    sound = {path: found for path, found in facts.items() if not found.error}
    rates = Counter(found.rate for found in sound.values())
    channels = Counter(found.channels for found in sound.values())
    for path, found in facts.items():
        if found.error:
            empty = found.size == 0 or "holds no audio samples" in found.error
            yield Finding("empty" if empty else "unreadable", str(path), found.error)
            continue
        yield from (Finding(kind, str(path), text) for kind, text in found.remarks)
        if found.rate not in COMMON_RATES or _odd(found.rate, rates):
            yield Finding("rate", str(path), f"{found.rate} Hz{_usual(rates, ' Hz')}")
        if found.channels > 2 or _odd(found.channels, channels):
            yield Finding("channels", str(path), f"{found.channels} channels{_usual(channels)}")


def _odd(value: int, counts: Counter[int]) -> bool:
    """Tell whether nearly all are alike, and this is not one of them."""
    total = counts.total()
    most, share = counts.most_common(1)[0]
    few = counts[value] == 1 or counts[value] <= RARE_SHARE * total
    return value != most and share >= USUAL_SHARE * total and few


def _usual(counts: Counter[int], unit: str = "") -> str:
    most, count = counts.most_common(1)[0]
    return f"; {count} of {counts.total()} files have {most}{unit}"


def find_in_lengths(
    utterances: Sequence[Utterance], facts: Mapping[Path, FileFacts], min_seconds: float
) -> Iterator[Finding]:
    """Find rows that are too short, or that begin or end beyond the end of their file.

    Parameters
    ----------
    min_seconds
        Segments shorter than this are dropped.
    """
    for row in utterances:
        found = facts.get(row.path)
        if found is None or found.error:
            continue
        start, end = row.window or (0, found.samples)
        seconds = (min(end, found.samples) - start) / found.rate
        if seconds <= 0:
            detail = f"begins at sample {start}, but {row.path} has only {found.samples}"
            yield Finding("window", row.name, detail)
            continue
        if end - found.samples > LENGTH_TOLERANCE * found.rate:
            beyond = (end - found.samples) / found.rate
            detail = f"ends {beyond:.2f} s beyond the end of {row.path} and is cut there"
            yield Finding("window_end", row.name, detail)
        if seconds < min_seconds:
            yield Finding("short", row.name, f"{seconds:.3f} s")
