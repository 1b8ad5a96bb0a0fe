"""From the list of a release's utterances to its protocol: what the corpus readers share."""

import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from sdd.data.audio.headers import Header
from sdd.data.audio.many_headers import read_headers
from sdd.data.corpora.protocol import (
    COLUMNS,
    UNKNOWN,
    UNKNOWN_NUMBER,
    WINDOW_COLUMNS,
    check_one_label_a_recording,
    validate_protocol,
)
from sdd.data.corpora.release import Release
from sdd.data.corpora.spelling import NamesOnDisk
from sdd.data.folders import Walk, walk_audio
from sdd.data.paths import is_file, is_folder, protocol_path
from sdd.errors import InputError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Utterance:
    """One row of a protocol before its file was looked at.

    Attributes
    ----------
    label
        `real` or `fake`, nothing else.
    attack, speaker, proportion, language
        As in the protocol; `-` where not known.
    window
        First sample and the one past the last, at the file's own rate; None for the whole file.
    """

    name: str
    label: str
    path: Path
    attack: str = UNKNOWN
    speaker: str = UNKNOWN
    proportion: str = UNKNOWN
    language: str = UNKNOWN
    window: tuple[int, int] | None = None


@dataclass
class Listing:
    """The rows of a release's lists, before any audio file was looked at.

    Attributes
    ----------
    listed_in
        The metadata file or folder that names the utterances.
    folders
        Where its audio lies: whatever lies there should be listed. Empty where the corpus has no
        folder of its own.
    utterances
        The rows that are asked for.
    others
        Files of rows that are not: of other partitions, or set aside.
    set_aside
        How many rows have a label that is neither real nor fake, by label.
    problems
        Rows and files that could not be understood, a message each.
    left_out
        Folders that were searched, each with what of them is not used: a number and the reason.
    names
        Finds files whose names the disk spells otherwise than the list.
    """

    release: Release
    listed_in: Path
    folders: tuple[Path, ...] = ()
    utterances: list[Utterance] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    set_aside: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    left_out: list[tuple[Path, str]] = field(default_factory=list)
    names: NamesOnDisk = field(default_factory=NamesOnDisk, repr=False, compare=False)

    def note_walk(self, walk: Walk) -> None:
        """Note what a search of a folder could not read, and what it left out."""
        self.problems += walk.problems.values()
        self.left_out += [(walk.folder, words) for words in walk.left_out_in_words()]

    @contextmanager
    def noting_problems(self) -> Iterator[None]:
        """Note an InputError of the block as a problem, so that what follows is read as well."""
        try:
            yield
        except InputError as error:
            self.problems.append(str(error))

    def add(self, utterance: Utterance, partitions: Collection[str] | None) -> None:
        """Take a row, among the others if its Proportion is not asked for (None asks for all)."""
        utterance = replace(utterance, path=self.names.find(utterance.path))
        if partitions is None or utterance.proportion in partitions:
            self.utterances.append(utterance)
        else:
            self.others.append(utterance.path)

    def unlisted(self) -> list[Path]:
        """Find the audio files in the corpus' folders that no row names."""
        listed = {utterance.path for utterance in self.utterances} | set(self.others)
        folders = [folder for folder in self.folders if is_folder(folder)]
        return [path for folder in folders for path in walk_audio(folder) if path not in listed]


def make_protocol(listing: Listing, root: Path, allowed_missing: int = 0) -> pd.DataFrame:
    """Check that the files are there, read their headers and make the protocol.

    Parameters
    ----------
    root
        The data root, which Path calls `$ROOT`.
    allowed_missing
        How many files may be missing; their rows are left out with a warning.

    Returns
    -------
    DataFrame
        The protocol, with Start and End if any utterance is a window.

    Raises
    ------
    InputError
        If a row could not be understood, there are no utterances, too many files are missing, or
        IDs stand twice.
    """
    release = listing.release
    _check_listing(listing)
    for folder, words in listing.left_out:
        logger.warning("%s: left out of folder %s: %s", release.title, folder, words)
    unlisted = listing.unlisted()
    if unlisted:
        logger.warning(
            "%s: %d audio files are not listed in %s and are not used, the first is %s",
            release.title,
            len(unlisted),
            listing.listed_in,
            unlisted[0],
        )
    present = _present(listing, allowed_missing)
    headers = read_headers(utterance.path for utterance in present)
    # Not an error yet: whether such a file can be decoded, its preparation tells.
    unreadable = [path for path, header in headers.items() if header is None]
    if unreadable:
        logger.warning(
            "%s: %d of %d audio files have no readable header, the first is %s",
            release.title,
            len(unreadable),
            len(headers),
            unreadable[0],
        )
    frame = pd.DataFrame(
        [_row(utterance, headers[utterance.path], root) for utterance in present],
        columns=[*COLUMNS, *WINDOW_COLUMNS],
    )
    # As AntiDeepfake's protocols: Start and End only where rows are windows.
    if all(utterance.window is None for utterance in present):
        frame = frame.drop(columns=list(WINDOW_COLUMNS))
    else:
        frame = frame.astype(dict.fromkeys(WINDOW_COLUMNS, "Int64"))
    where = f"The protocol of {release.title} from {listing.listed_in}"
    validate_protocol(frame, where)
    check_one_label_a_recording(frame, [utterance.path for utterance in present], where)
    return frame


def _check_listing(listing: Listing) -> None:
    """Refuse a release whose lists could not be understood, with the first of its problems."""
    if listing.problems:
        more = len(listing.problems) - 1
        raise InputError(
            listing.problems[0]
            + (f" ({more} more such problems: `snakemake check_corpora` lists all.)" * (more > 0))
        )
    if not listing.utterances:
        raise listing.release.error(f"{listing.listed_in} lists no utterance that could be used.")


def _present(listing: Listing, allowed_missing: int) -> list[Utterance]:
    paths = dict.fromkeys(utterance.path for utterance in listing.utterances)
    missing = dict.fromkeys(path for path in paths if not is_file(path))
    if not missing:
        return list(listing.utterances)
    found = f"{len(missing)} of the {len(paths)} audio files in {listing.listed_in} are missing"
    first = f"the first is {next(iter(missing))}"
    if len(missing) > allowed_missing or len(missing) == len(paths):
        raise listing.release.error(f"{found} ({allowed_missing} may be); {first}.")
    logger.warning("%s: %s and left out; %s", listing.release.title, found, first)
    return [utterance for utterance in listing.utterances if utterance.path not in missing]


def duration(header: Header, window: tuple[int, int] | None) -> float:
    """Compute the seconds, with two decimals, of a file, or of a window as in `Utterance`.

    -1 where the length is not known, or nothing of the file lies within the window; never 0.
    """
    start, end = window or (0, header.samples)
    if header.samples >= 0:
        end = min(end, header.samples)
    samples = end - start
    return max(round(samples / header.rate, 2), 0.01) if samples > 0 else float(UNKNOWN_NUMBER)


def _row(utterance: Utterance, header: Header | None, root: Path) -> dict[str, object]:
    start, end = utterance.window or (None, None)
    row: dict[str, object] = {
        "ID": utterance.name,
        "Label": utterance.label,
        "Path": protocol_path(utterance.path, root),
        "Attack": utterance.attack,
        "Speaker": utterance.speaker,
        "Proportion": utterance.proportion,
        "Language": utterance.language,
        "Start": start,
        "End": end,
    }
    return row | header_cells(header, utterance.window)


def header_cells(
    header: Header | None, window: tuple[int, int] | None = None
) -> dict[str, float | int | str]:
    """Fill the protocol's columns that describe the file.

    Returns
    -------
    dict
        Duration, SampleRate, AudioChannel, AudioEncoding and AudioBitSample; -1 and `-` where there
        is no header because it could not be read.
    """
    if header is None:
        return {
            "Duration": float(UNKNOWN_NUMBER),
            "SampleRate": UNKNOWN_NUMBER,
            "AudioChannel": UNKNOWN_NUMBER,
            "AudioEncoding": UNKNOWN,
            "AudioBitSample": UNKNOWN_NUMBER,
        }
    return {
        "Duration": duration(header, window),
        "SampleRate": header.rate,
        "AudioChannel": header.channels,
        "AudioEncoding": header.encoding,
        "AudioBitSample": header.bits,
    }


def names_by_stem(prefixed: Sequence[tuple[str, Path]]) -> list[str]:
    """Make IDs from prefixes and file stems, different also where stems collide.

    Parameters
    ----------
    prefixed
        Prefix and path of each file.

    Returns
    -------
    list of str
        Prefix and stem; where several files would get the same, all but the first path in sorted
        order have `-<extension>` added.
    """
    names: dict[tuple[str, Path], str] = {}
    taken: set[str] = set()
    # A file that stands twice keeps its name: that is an error, which is found later.
    for prefix, path in sorted(set(prefixed), key=lambda item: item[1]):
        name = prefix + path.stem
        while name in taken:
            name += "-" + path.suffix.removeprefix(".")
        taken.add(name)
        names[prefix, path] = name
    return [names[item] for item in prefixed]
