"""From the list of a release's utterances to its protocol: what the corpus readers share."""

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sdd.corpora.headers import Header, read_headers
from sdd.corpora.protocol import (
    COLUMNS,
    UNKNOWN,
    UNKNOWN_NUMBER,
    WINDOW_COLUMNS,
    protocol_path,
    validate_protocol,
)
from sdd.errors import InputError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Release:
    """A corpus as its authors publish it.

    Attributes
    ----------
    title
        Its name.
    source
        Where to get it.
    licence
        Under which terms, as far as its authors say.
    """

    title: str
    source: str
    licence: str

    def error(self, problem: str) -> InputError:
        """Make the error for a corpus that cannot be used: the problem, and where to get it."""
        return InputError(
            f"{self.title}: {problem} Get the corpus from {self.source} (licence: {self.licence})."
        )


@dataclass(frozen=True)
class Utterance:
    """One row of a protocol before its file was looked at.

    Attributes
    ----------
    name
        The ID.
    label
        `real` or `fake`.
    path
        The audio file.
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


def select(utterances: Iterable[Utterance], partitions: Collection[str] | None) -> list[Utterance]:
    """Keep the utterances of some partitions.

    Parameters
    ----------
    utterances
        All utterances.
    partitions
        Values of Proportion to keep; None keeps all.

    Returns
    -------
    list of Utterance
        In the same order.
    """
    return [u for u in utterances if partitions is None or u.proportion in partitions]


def make_protocol(
    utterances: Sequence[Utterance],
    root: Path,
    release: Release,
    listed_in: Path,
    allowed_missing: int = 0,
) -> pd.DataFrame:
    """Check that the files are there, read their headers and make the protocol.

    Parameters
    ----------
    utterances
        The rows.
    root
        The data root.
    release
        The corpus, for messages.
    listed_in
        The metadata file or folder that names the utterances.
    allowed_missing
        How many files may be missing; their rows are left out with a warning.

    Returns
    -------
    DataFrame
        The protocol, with Start and End if any utterance is a window.

    Raises
    ------
    InputError
        If there are no utterances, too many files are missing, or IDs stand twice.
    """
    if not utterances:
        raise release.error(f"{listed_in} lists no utterance that could be used.")
    present = _present(utterances, release, listed_in, allowed_missing)
    headers = read_headers(u.path for u in present)
    unreadable = [path for path, header in headers.items() if header is None]
    if unreadable:
        log.warning(
            "%s: %d of %d audio files have no readable header, the first is %s",
            release.title,
            len(unreadable),
            len(headers),
            unreadable[0],
        )
    frame = pd.DataFrame(
        [_row(u, headers[u.path], root) for u in present], columns=[*COLUMNS, *WINDOW_COLUMNS]
    )
    if all(u.window is None for u in present):
        frame = frame.drop(columns=list(WINDOW_COLUMNS))
    else:
        frame = frame.astype(dict.fromkeys(WINDOW_COLUMNS, "Int64"))
    validate_protocol(frame, f"The protocol of {release.title} from {listed_in}")
    return frame


def _present(
    utterances: Sequence[Utterance], release: Release, listed_in: Path, allowed_missing: int
) -> list[Utterance]:
    paths = dict.fromkeys(u.path for u in utterances)
    missing = dict.fromkeys(path for path in paths if not path.is_file())
    if not missing:
        return list(utterances)
    found = f"{len(missing)} of the {len(paths)} audio files in {listed_in} are missing"
    first = f"the first is {next(iter(missing))}"
    if len(missing) > allowed_missing or len(missing) == len(paths):
        raise release.error(f"{found} ({allowed_missing} may be); {first}.")
    log.warning("%s: %s and left out; %s", release.title, found, first)
    return [u for u in utterances if u.path not in missing]


def duration(header: Header, window: tuple[int, int] | None) -> float:
    """Duration of a file or of a window in it.

    Parameters
    ----------
    header
        The file's header.
    window
        First sample and the one past the last, or None for the whole file.

    Returns
    -------
    float
        Seconds, rounded to 2 decimals.
    """
    start, end = window or (0, header.samples)
    return round(max(0, min(end, header.samples) - start) / header.rate, 2)


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

    Parameters
    ----------
    header
        The file's header, None if it could not be read.
    window
        First sample and the one past the last, or None for the whole file.

    Returns
    -------
    dict
        Duration, SampleRate, AudioChannel, AudioEncoding and AudioBitSample; -1 and `-` where the
        header could not be read.
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


def read_lines(path: Path, release: Release) -> list[tuple[int, str]]:
    """Read the lines of a metadata file that hold something.

    Parameters
    ----------
    path
        A text file in UTF-8.
    release
        The corpus, for messages.

    Returns
    -------
    list of (int, str)
        Line number from 1, and the line without the white space around it.

    Raises
    ------
    InputError
        If the file is missing or not UTF-8.
    """
    require_file(path, release)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text: {error}.") from error
    lines = ((number, line.strip()) for number, line in enumerate(text.split("\n"), start=1))
    return [(number, line) for number, line in lines if line]


def require_file(path: Path, release: Release) -> None:
    """Refuse to go on without a file that tells what the corpus holds.

    Parameters
    ----------
    path
        The metadata file.
    release
        The corpus, for messages.

    Raises
    ------
    InputError
        If it is missing or empty, with where to get the corpus.
    """
    if not path.is_file():
        raise release.error(
            f"{path} is missing, which lists the utterances: "
            "how many audio files to expect cannot be known without it."
        )
    if path.stat().st_size == 0:
        raise release.error(f"{path} is empty, which should list the utterances.")


def label_of(value: str, labels: dict[str, str], where: str) -> str:
    """Translate a label of the release.

    Parameters
    ----------
    value
        The release's word.
    labels
        `real` or `fake` by word.
    where
        File and line, for messages.

    Returns
    -------
    str
        `real` or `fake`.

    Raises
    ------
    InputError
        If the word is none of them.
    """
    if value not in labels:
        raise InputError(
            f"{where}: label {value!r} is none of {', '.join(labels)}; "
            "restore the file as it was released."
        )
    return labels[value]


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
    taken: set[str] = set()
    names = [""] * len(prefixed)
    for index in sorted(range(len(prefixed)), key=lambda i: prefixed[i][1]):
        prefix, path = prefixed[index]
        name = prefix + path.stem
        if name in taken:
            name += "-" + path.suffix.removeprefix(".")
        taken.add(name)
        names[index] = name
    return names
