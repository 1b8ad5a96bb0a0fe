"""The recordings in the files and folders that a user names."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sdd.data.folders import Reason, find_audio, is_utf8, not_utf8_message
from sdd.data.paths import is_folder, refuse_special
from sdd.errors import InputError


@dataclass
class FoundRecordings:
    """Recordings, and what else there is.

    Attributes
    ----------
    files
        Without repetition, in the order met.
    left_out
        Folders, each with what of them is not scored: a number and the reason.
    problems
        What cannot be looked into or opened, each with a message.
    """

    files: list[Path] = field(default_factory=list)
    left_out: list[tuple[Path, str]] = field(default_factory=list)
    problems: dict[Path, str] = field(default_factory=dict)


def find_recordings(places: Iterable[Path]) -> FoundRecordings:
    """List recordings: files as they are named, folders walked in alphabetical order.

    Parameters
    ----------
    places
        Files and folders. What is taken in folders says `sdd.data.folders`; a file that is named is
        taken whatever its name, but for pipes and devices.
    """
    found = FoundRecordings()
    taken: set[str] = set()
    for place in places:
        try:
            if is_folder(place):
                _take_folder(place, found, taken)
            else:
                _take_file(place, found, taken)
        except InputError as error:
            found.problems[place] = str(error)
    return found


def _take_folder(folder: Path, found: FoundRecordings, taken: set[str]) -> None:
    walk = find_audio(folder)
    for real, path in walk.real_paths.items():
        if real not in taken:
            taken.add(real)
            found.files.append(path)
        elif path.is_symlink():
            walk.add_left_out(Reason.AGAIN, path)
    found.problems |= walk.problems
    found.left_out += [(folder, words) for words in walk.left_out_in_words()]


def _take_file(path: Path, found: FoundRecordings, taken: set[str]) -> None:
    if not is_utf8(path):
        raise InputError(not_utf8_message(path))
    if path == Path("-"):
        # libsndfile takes that name for standard input, too.
        raise InputError("Standard input is not read: name a file; rename one that is called so.")
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass  # missing, as reading it will tell
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror}).") from error
    refuse_special(path)
    # Under this name, however it is spelt: a link that is named beside its file is scored, too.
    name = os.path.join(os.path.realpath(path.parent), path.name)  # noqa: PTH118
    if name not in taken:
        taken.add(name)
        found.files.append(path)
