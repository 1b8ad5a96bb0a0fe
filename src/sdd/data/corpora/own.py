"""Corpora of the user's own: a CSV with AntiDeepfake's columns, or two folders.

A CSV (separated by commas, semicolons or tabs) and what it names, anywhere::

    mine
    ├── mine.csv        ID, Label, Path, any other of AntiDeepfake's columns, Start, End, Source
    └── *               below the CSV's folder, $ROOT or an absolute path

or folders, which are searched with their subfolders (`sdd.data.folders` says for what)::

    mine
    ├── real
    │   └── **/*
    └── fake
        └── **/*
"""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from sdd.data.audio.many_headers import read_headers
from sdd.data.corpora.listing import Listing, Utterance, header_cells
from sdd.data.corpora.protocol import (
    COLUMNS,
    LABELS,
    UNKNOWN,
    UNKNOWN_NUMBER,
    check_one_label_a_recording,
    check_values,
    check_windows,
    known_columns,
    read_table,
    row_number,
    typed,
    validate_protocol,
)
from sdd.data.corpora.release import Release
from sdd.data.corpora.spelling import NamesOnDisk
from sdd.data.folders import Walk, find_audio
from sdd.data.paths import (
    is_archive,
    is_file,
    is_folder,
    protocol_path,
    refuse_special,
    resolve_path,
)
from sdd.errors import InputError

REQUIRED = ("ID", "Label", "Path")


def read_csv(
    root: Path,
    *,
    path: Path | str,
    partitions: Collection[str] | None = None,
    allowed_missing: int = 0,
) -> pd.DataFrame:
    """Read a CSV file with AntiDeepfake's columns.

    Parameters
    ----------
    root
        The data root, which `$ROOT` stands for.
    path
        Of the CSV; may itself begin with `$ROOT/`. The columns ID, Label and Path are required. A
        Path that does not begin with `$ROOT/` is absolute or relative to the CSV's folder. What
        is missing or `-` among the columns that describe the file is read from its header.
    partitions
        Values of Proportion to keep; None keeps all.
    allowed_missing
        How many audio files may be missing; their rows are left out.

    Returns
    -------
    DataFrame
        The protocol, with Start, End and Source if the CSV has them.

    Raises
    ------
    InputError
        If the CSV is missing or malformed, lacks a required column, has a label other than real
        and fake, repeats an ID, or names audio files that are missing.
    """
    frame, files = _read_table(root, path)
    where = resolve_path(str(path), root, Path.cwd())
    validate_protocol(frame, where)
    keep = _kept(frame, files, where, partitions, allowed_missing)
    frame, files = frame[known_columns(frame)].iloc[keep], [files[index] for index in keep]
    check_one_label_a_recording(frame, files, where)
    return _filled(frame.reset_index(drop=True), files)


def list_csv(root: Path, partitions: Collection[str] | None = None, *, path: Path | str) -> Listing:
    """List what a CSV file with AntiDeepfake's columns names, without looking at the audio.

    Parameters
    ----------
    partitions
        Values of Proportion to list; None lists all.

    Raises
    ------
    InputError
        If the CSV is missing, has no column that is required, or a cell that cannot be read.
    """
    frame, files = _read_table(root, path)
    listed_in = resolve_path(str(path), root, Path.cwd())
    listing = Listing(Release(listed_in.stem, "its owner", "its owner's"), listed_in)
    cells = ("ID", "Label", "Attack", "Speaker", "Proportion", "Language")
    rows = zip(*(frame[column] for column in cells), strict=True)
    for file, row, window in zip(files, rows, _windows(frame), strict=True):
        name, label, attack, speaker, proportion, language = row
        utterance = Utterance(name, label, file, attack, speaker, proportion, language, window)
        listing.add(utterance, partitions)
    return listing


def _read_table(root: Path, path: Path | str) -> tuple[pd.DataFrame, list[Path]]:
    """Read the CSV with all of `COLUMNS`, Path as protocols write it; and the file of each row."""
    path = resolve_path(str(path), root, Path.cwd())
    if is_archive(path):
        raise InputError(f"{path} is an archive, which is not read: unpack it, and name the CSV.")
    refuse_special(path)
    table = read_table(path, REQUIRED)
    for column in REQUIRED:
        if column not in table.columns:
            raise InputError(
                f"{path} has no column {column}; it has {', '.join(table.columns)}. "
                f"Required are {', '.join(REQUIRED)}."
            )
    check_values(table, "Label", LABELS, path)
    frame = typed(table, path)
    check_windows(frame, path)
    for column in COLUMNS:
        if column not in frame.columns:
            number = column in ("Duration", "SampleRate", "AudioChannel", "AudioBitSample")
            frame[column] = UNKNOWN_NUMBER if number else UNKNOWN
    names = NamesOnDisk()
    files = [names.find(resolve_path(text, root, path.parent)) for text in frame["Path"]]
    frame["Path"] = [protocol_path(file, root) for file in files]
    return frame, files


def _kept(
    frame: pd.DataFrame,
    files: list[Path],
    where: Path,
    partitions: Collection[str] | None,
    allowed_missing: int,
) -> list[int]:
    """Find the positions of the rows that are asked for and whose files are there."""
    wanted = [
        index
        for index, proportion in enumerate(frame["Proportion"])
        if partitions is None or proportion in partitions
    ]
    if not wanted:
        found = ", ".join(sorted(set(frame["Proportion"]))) or "no row at all"
        raise InputError(
            f"{where} has no row to use: its Proportion values are {found}"
            + (f", asked for are {', '.join(partitions)}." if partitions is not None else ".")
        )
    missing = [index for index in wanted if not is_file(files[index])]
    distinct = {files[index] for index in missing}
    named = {files[index] for index in wanted}
    if missing and (len(distinct) > allowed_missing or len(missing) == len(wanted)):
        raise InputError(
            f"{where}: {len(distinct)} of the {len(named)} audio files are missing "
            f"({allowed_missing} may be); the first is {files[missing[0]]}, row "
            f"{row_number(frame, missing[0])}. Correct the Path, or the data root that $ROOT "
            "stands for."
        )
    absent = set(missing)
    return [index for index in wanted if index not in absent]


def _filled(frame: pd.DataFrame, files: list[Path]) -> pd.DataFrame:
    """Read from the headers what the CSV does not say about its files."""
    unknown = {
        column: frame[column].isin([UNKNOWN, UNKNOWN_NUMBER])
        for column in ("Duration", "SampleRate", "AudioChannel", "AudioEncoding", "AudioBitSample")
    }
    ask = pd.concat(unknown, axis=1).any(axis=1)
    headers = read_headers(file for file, asked in zip(files, ask, strict=True) if asked)
    cells = pd.DataFrame(
        [
            header_cells(headers.get(file), window)
            for file, window in zip(files, _windows(frame), strict=True)
        ]
    )
    for column, where in unknown.items():
        frame[column] = frame[column].mask(where, cells[column]).astype(cells[column].dtype)
    return frame


def _windows(frame: pd.DataFrame) -> list[tuple[int, int] | None]:
    if "Start" not in frame.columns:
        return [None] * len(frame)
    return [
        None if pd.isna(start) else (int(start), int(end))
        for start, end in zip(frame["Start"], frame["End"], strict=True)
    ]


def list_folders(
    root: Path,
    partitions: Collection[str] | None = None,
    *,
    real: Path | str,
    fake: Path | str,
    corpus: str = "own",
) -> Listing:
    """List a folder of real and a folder of fake recordings.

    Parameters
    ----------
    partitions
        Values of Proportion to list (all are `-`); None lists all.
    real, fake
        The folders; each may begin with `$ROOT/`.
    corpus
        Name that the IDs begin with: they are `<corpus>-<label>-<path within the folder>`.

    Returns
    -------
    Listing
        Among its problems are a folder that is missing or holds no audio file, what cannot be read
        below it, and a recording that links make both real and fake.
    """
    folders = {
        label: resolve_path(str(folder), root, Path.cwd())
        for label, folder in zip(LABELS, (real, fake), strict=True)
    }
    listing = Listing(Release(corpus, "its owner", "its owner's"), folders["real"])
    walks = {}
    for label, folder in folders.items():
        with listing.noting_problems():
            walks[label] = walk = _recordings(folder, label)
            listing.note_walk(walk)
            for file in walk.files:
                name = f"{corpus}-{label}-{file.relative_to(folder).as_posix()}"
                listing.add(Utterance(name, label, file), partitions)
    if len(walks) == len(LABELS):
        with listing.noting_problems():
            _check_one_label_a_recording(walks)
    return listing


def _check_one_label_a_recording(walks: dict[str, Walk]) -> None:
    """Refuse folders that lead to the same file by links; one name for it is found anyway."""
    real, fake = (walks[label].real_paths for label in LABELS)
    both = [path for path in real if path in fake and real[path] != fake[path]]
    if both:
        raise InputError(
            f"{real[both[0]]} is a real recording, and {fake[both[0]]}, a fake one, is the same "
            f"file ({len(both)} such files): keep each in one of the folders only."
        )


def _recordings(folder: Path, label: str) -> Walk:
    if is_archive(folder):
        raise InputError(
            f"{folder} of {label} recordings is an archive, which is not read: unpack it, and "
            "name the folder."
        )
    if not is_folder(folder):
        raise InputError(f"Folder {folder} of {label} recordings is missing: correct its path.")
    walk = find_audio(folder)
    if not walk.files and not walk.problems:
        left_out = "; ".join(walk.left_out_in_words())
        raise InputError(
            f"Folder {folder} of {label} recordings holds no audio file"
            + (f"; left out: {left_out}." if left_out else ".")
        )
    return walk
