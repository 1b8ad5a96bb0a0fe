"""Audio files below folders: the one walker, and the one list of suffixes.

Corpora of folders, the search for files that no row names, and `sdd score` all look here, so that
they find the same. What is found is never opened. The rules:

hidden files and folders
    Are left out, AppleDouble's `._x` and `.DS_Store` among them, and so are the bins and thumbnails
    of systems. The folder that the walk starts from may be hidden.
links
    Are followed, to files and to folders, wherever they lead, but each real file and folder is
    taken once, and under its own name rather than a link's. A link to a folder around it is a
    loop and is not followed. A link to nothing is taken for a file, which is then missing. Hard
    links are no links here but files of their own, like copies.
pipes, sockets and devices
    Are left out whatever they are called: to open one may never return.
closed folders, and names that are not UTF-8
    Are problems: what lies there cannot be known, or cannot be written to a table.
"""

import errno
import os
from collections import Counter, deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from sdd.errors import InputError, one_line

_SOUNDFILE_SUFFIXES = (
    *(".aif", ".aifc", ".aiff", ".au", ".caf", ".flac", ".mp2", ".mp3", ".oga", ".ogg", ".opus"),
    *(".rf64", ".snd", ".sph", ".voc", ".w64", ".wav", ".wave"),
)
_CONTAINER_SUFFIXES = (
    *(".3g2", ".3gp", ".aac", ".ac3", ".adts", ".alac", ".amr", ".ape", ".asf", ".avi", ".awb"),
    *(".bwf", ".dat", ".eac3", ".flv", ".gsm", ".m4a", ".m4b", ".m4r", ".m4v", ".mka", ".mkv"),
    *(".mov", ".mp4", ".mpeg", ".mpg", ".mpga", ".mxf", ".ogv", ".ogx", ".qt", ".ra", ".rm"),
    *(".spx", ".tta", ".weba", ".webm", ".wma", ".wmv", ".wv"),
)
AUDIO_SUFFIXES = frozenset((*_SOUNDFILE_SUFFIXES, *_CONTAINER_SUFFIXES))
"""What soundfile or FFmpeg reads, in lower case; capitals match as well."""

# Folders of deleted files, thumbnails and the like, which are not hidden on every system; in lower
# case.
_SYSTEM_FOLDERS = frozenset(
    (
        *("$recycle.bin", "recycler", "#recycle", "@eadir", "#snapshot", "__macosx"),
        *("lost+found", "system volume information"),
    )
)

# Of a folder that cannot be read for another reason than its permissions.
_REMEDIES = {
    errno.ENAMETOOLONG: "move what lies there further up, or give the folders above shorter names",
    errno.ENOENT: "it was there a moment ago; correct its path, or try again",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.EIO: "its disk cannot be read; restore it from a copy",
    errno.ESTALE: "its disk is gone; mount it again",
}

_Key = tuple[tuple[bool, str], ...]
"""Sorts a folder's files before its subfolders; true marks a subfolder."""


class Reason(Enum):
    """Why something below a folder is left out, in words that follow a number."""

    HIDDEN = "hidden (a name that begins with a dot)"
    SYSTEM = "of the system (deleted files, thumbnails)"
    SUFFIX = "without an audio suffix"
    SPECIAL = "not ordinary files (pipe, socket or device)"
    AGAIN = "reached again by a link"


@dataclass
class Walk:
    """What is below a folder.

    Attributes
    ----------
    files
        Audio files in order: a folder's own, sorted, before those of its subfolders.
    real_paths
        Where each file really is: itself, but for links.
    left_out
        What is none of them, by reason.
    problems
        Folders that cannot be read and names that cannot be written, each with a message.
    """

    folder: Path
    files: list[Path] = field(default_factory=list)
    real_paths: dict[str, Path] = field(default_factory=dict)
    left_out: dict[Reason, list[Path]] = field(default_factory=dict)
    problems: dict[Path, str] = field(default_factory=dict)

    def left_out_in_words(self) -> list[str]:
        """Say how many were left out for each reason, with the first, or with their suffixes."""
        return [self._in_words(reason, paths) for reason, paths in self.left_out.items()]

    def _in_words(self, reason: Reason, paths: list[Path]) -> str:
        if reason is Reason.SUFFIX:
            counts = Counter(path.suffix.lower() or "none at all" for path in paths)
            named = ", ".join(f"{suffix}: {count}" for suffix, count in counts.most_common(5))
            more = f", {len(counts) - 5} others" if len(counts) > 5 else ""
            return one_line(f"{len(paths)} {reason.value} ({named}{more})")
        first = "it is" if len(paths) == 1 else "the first is"
        return one_line(f"{len(paths)} {reason.value}; {first} {paths[0]}")

    def add_left_out(self, reason: Reason, path: Path) -> None:
        """Count something among what is left out."""
        self.left_out.setdefault(reason, []).append(path)


def find_audio(folder: Path, suffixes: Collection[str] = AUDIO_SUFFIXES) -> Walk:
    """Find the audio files below a folder; nothing that is wrong there raises.

    Parameters
    ----------
    suffixes
        What counts as audio, in lower case.
    """
    return _Walker(folder, suffixes).walk()


def walk_audio(folder: Path, suffixes: Collection[str] = AUDIO_SUFFIXES) -> Iterator[Path]:
    """Yield the files of `find_audio`.

    Raises
    ------
    InputError
        If a folder cannot be read, or a name is not valid UTF-8.
    """
    walk = find_audio(folder, suffixes)
    for problem in walk.problems.values():
        raise InputError(problem)
    yield from walk.files


def is_utf8(path: Path | str) -> bool:
    """Tell whether a name can be written to a table, which is UTF-8."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def not_utf8_message(path: Path) -> str:
    """Word what is wrong with a name that is not UTF-8, and the remedy."""
    return f"{str(path)!a} is not valid UTF-8: rename the file."


class _Place(NamedTuple):
    """A folder or file on the way: as it is reached, its place in the order, where it really is."""

    path: str
    key: _Key
    real: str


class _Walker:
    def __init__(self, folder: Path, suffixes: Collection[str]) -> None:
        self.found = Walk(folder)
        self.suffixes = suffixes
        self.files: list[_Place] = []
        self.seen: set[str] = set()
        self.folder_links: deque[_Place] = deque()
        self.file_links: list[_Place] = []

    def walk(self) -> Walk:
        """Walk real folders first, then what links lead to: a link never takes a file's place."""
        start = os.fspath(self.found.folder)
        self._walk_tree(_Place(start, (), os.path.realpath(start)))
        while self.folder_links:
            self._follow(self.folder_links.popleft())
        taken = {place.real for place in self.files}
        for link in sorted(self.file_links, key=lambda place: place.key):
            if link.real in taken:
                self.found.add_left_out(Reason.AGAIN, Path(link.path))
            else:
                taken.add(link.real)
                self.files.append(link)
        for place in sorted(self.files, key=lambda place: place.key):
            path = Path(place.path)
            self.found.files.append(path)
            self.found.real_paths[place.real] = path
        for paths in self.found.left_out.values():
            paths.sort()
        self.found.problems = dict(sorted(self.found.problems.items()))
        return self.found

    def _follow(self, link: _Place) -> None:
        around = os.path.join(os.path.realpath(os.path.dirname(link.path) or "."), "")  # noqa: PTH118, PTH120
        if link.real in self.seen or around.startswith(os.path.join(link.real, "")):  # noqa: PTH118
            self.found.add_left_out(Reason.AGAIN, Path(link.path))
        else:
            self._walk_tree(link)

    def _walk_tree(self, start: _Place) -> None:
        """Walk a folder and its subfolders; links are noted for later."""
        folders = [start]
        while folders:
            place = folders.pop()
            if place.real in self.seen:
                self.found.add_left_out(Reason.AGAIN, Path(place.path))
                continue
            self.seen.add(place.real)
            try:
                with os.scandir(place.path) as scan:
                    entries = sorted(scan, key=lambda entry: entry.name)
            except OSError as error:
                self._refuse(place.path, error)
                continue
            folders += [sub for entry in entries if (sub := self._take(entry, place)) is not None]

    def _refuse(self, path: str, error: OSError) -> None:
        remedy = _REMEDIES.get(error.errno or 0, "correct its permissions")
        self.found.problems[Path(path)] = one_line(
            f"Folder {path} cannot be read ({error.strerror}): {remedy}."
        )

    def _take(self, entry: "os.DirEntry[str]", parent: _Place) -> _Place | None:
        """Sort an entry into where it belongs; return it if it is a folder to walk."""
        is_folder = _is_folder(entry)
        reason = self._reason(entry, is_folder)
        if reason is not None:
            self.found.add_left_out(reason, Path(entry.path))
            return None
        if is_folder is None and not self._has_suffix(entry.name):
            # A link into what is closed: a folder of recordings, for all one can know.
            self.found.problems[Path(entry.path)] = one_line(
                f"{entry.path} cannot be looked at: correct the permissions of what it leads to."
            )
            return None
        if not is_utf8(entry.path):
            self.found.problems[Path(entry.path)] = not_utf8_message(Path(entry.path))
            return None
        place = _Place(
            entry.path,
            (*parent.key, (bool(is_folder), entry.name)),
            _real_path(entry, parent.real),
        )
        if not entry.is_symlink():
            if is_folder:
                return place
            self.files.append(place)
        elif is_folder:
            self.folder_links.append(place)
        else:
            self.file_links.append(place)
        return None

    def _reason(self, entry: "os.DirEntry[str]", is_folder: bool | None) -> Reason | None:
        """Say why an entry is left out, None if it is not."""
        if entry.name.startswith("."):
            return Reason.HIDDEN
        if is_folder:
            return Reason.SYSTEM if entry.name.lower() in _SYSTEM_FOLDERS else None
        if _is_special(entry):
            return Reason.SPECIAL
        if is_folder is not None and not self._has_suffix(entry.name):
            return Reason.SUFFIX
        return None

    def _has_suffix(self, name: str) -> bool:
        return os.path.splitext(name)[1].lower() in self.suffixes  # noqa: PTH122


def _is_folder(entry: "os.DirEntry[str]") -> bool | None:
    """Tell whether an entry is a folder or a link to one; None if that may not be known."""
    try:
        return entry.is_dir()
    except PermissionError:
        return None
    except OSError:  # a loop of links, or a link to too long a name: missing, as a link to nothing
        return False


def _is_special(entry: "os.DirEntry[str]") -> bool:
    """Tell whether an entry, which is no folder, exists and is no ordinary file."""
    try:
        if entry.is_file():
            return False
        entry.stat()
    except OSError:  # missing or closed, as reading it will tell
        return False
    return True


def _real_path(entry: "os.DirEntry[str]", parent: str) -> str:
    """Return where an entry really is; of a link to nothing, where the link is."""
    own = os.path.join(parent, entry.name)  # noqa: PTH118
    if not entry.is_symlink():
        return own
    try:
        return os.path.realpath(own, strict=True)
    except OSError:
        return own
