"""A release: what its authors say of it, and reading the lists that come with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sdd.data.corpora.protocol import read_table
from sdd.data.paths import is_archive, is_file, is_folder
from sdd.errors import InputError
from sdd.runtime.text_files import read_text, split_lines


@dataclass(frozen=True)
class Published:
    """How much of a corpus its authors, or those who used it, say there is.

    Attributes
    ----------
    count
        Utterances, or segments where the protocol has a row for each; None where only hours are
        known.
    partition, label
        Of which Proportion and label; None is all of them.
    hours
        Their duration, None where not known.
    """

    count: int | None
    partition: str | None
    label: str | None
    said_by: str
    hours: float | None = None


@dataclass(frozen=True)
class Release:
    """A corpus as its authors publish it.

    Attributes
    ----------
    licence
        Under which terms, and who says so.
    published
        Its counts, where they are known.
    """

    title: str
    source: str
    licence: str
    published: tuple[Published, ...] = ()

    def error(self, problem: str) -> InputError:
        """Make the error for a corpus that cannot be used: the problem, and where to get it."""
        return InputError(
            f"{self.title}: {problem} Get the corpus from {self.source} (licence: {self.licence})."
        )


def read_lines(path: Path, release: Release) -> list[tuple[int, str]]:
    """Read the lines that are not blank of a metadata file in UTF-8.

    Returns
    -------
    list of (int, str)
        Line number from 1, and the line without the white space around it.

    Raises
    ------
    InputError
        If the file is missing, or as `sdd.runtime.text_files.read_text`.
    """
    require_file(path, release)
    lines = enumerate((line.strip() for line in split_lines(read_text(path))), start=1)
    return [(number, line) for number, line in lines if line]


def require_file(path: Path, release: Release) -> None:
    """Refuse to go on without a metadata file, which tells what the corpus holds.

    Raises
    ------
    InputError
        If it is missing or empty, with where to get the corpus.
    """
    if not is_file(path):
        raise release.error(
            f"{path} is missing, which lists the utterances: how many audio files to expect "
            f"cannot be known without it.{archive_hint(path)}"
        )
    if path.stat().st_size == 0:
        raise release.error(f"{path} is empty, which should list the utterances.")


def read_metadata(path: Path, columns: Sequence[str], release: Release) -> pd.DataFrame:
    """Read the metadata of a release that comes as a CSV file, as text; the index is the row.

    Raises
    ------
    InputError
        If it is missing, lacks one of the columns, or as
        `sdd.runtime.text_tables.read_text_table`.
    """
    require_file(path, release)
    table = read_table(path, columns)
    for column in columns:
        if column not in table.columns:
            raise InputError(f"{path} has no column {column}; it has {', '.join(table.columns)}.")
    return table


def archive_hint(path: Path) -> str:
    """Say, where `path` is missing beside an archive, that archives have to be unpacked.

    Returns
    -------
    str
        A sentence with a space before it, or nothing.
    """
    try:
        folder = next(parent for parent in path.parents if is_folder(parent))
        archives = [entry for entry in sorted(folder.iterdir()) if is_archive(entry)]
    except (InputError, PermissionError):  # a closed folder, of which no hint can be given
        return ""
    if not archives:
        return ""
    return f" Archives are not read: is it in {archives[0]}? Unpack it there."


def label_of(value: str, labels: dict[str, str], where: str) -> str:
    """Translate the release's word for a label.

    Parameters
    ----------
    labels
        `real` or `fake` by the release's word.
    where
        File and line, for messages.

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
