"""Where audio files are: paths as protocols write them, and folders searched for audio."""

import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from sdd.errors import InputError

ROOT_PREFIX = "$ROOT/"
_SOUNDFILE_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".au")
_CONTAINER_SUFFIXES = (".m4a", ".mp4", ".aac", ".webm", ".mka", ".dat")
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar")
AUDIO_SUFFIXES = frozenset((*_SOUNDFILE_SUFFIXES, *_CONTAINER_SUFFIXES))


def protocol_path(path: Path, root: Path) -> str:
    """Write a file's place as protocols do.

    Parameters
    ----------
    path
        The file.
    root
        The data root.

    Returns
    -------
    str
        `$ROOT/...` if the file lies below the root (symbolic links are not followed), else its
        absolute path.
    """
    absolute, base = Path(os.path.abspath(path)), Path(os.path.abspath(root))  # noqa: PTH100
    if absolute.is_relative_to(base):
        return ROOT_PREFIX + absolute.relative_to(base).as_posix()
    return str(absolute)


def resolve_path(path: str, root: Path, folder: Path | None = None) -> Path:
    """Find the file that the `Path` of a protocol row means.

    Parameters
    ----------
    path
        `$ROOT/...`, an absolute path, or, where `folder` is given, one relative to it.
    root
        The data root that `$ROOT` stands for.
    folder
        Where relative paths start.

    Returns
    -------
    Path
        The file's place; whether it exists is not checked.

    Raises
    ------
    InputError
        If the path is relative and there is no folder to start from.
    """
    if path.startswith(ROOT_PREFIX):
        return Path(root) / path.removeprefix(ROOT_PREFIX)
    if Path(path).is_absolute():
        return Path(path)
    if folder is None:
        raise InputError(
            f"Path {path!r} is neither absolute nor below the data root: "
            f"begin it with {ROOT_PREFIX} or write it in full."
        )
    return folder / path


def is_file(path: Path) -> bool:
    """Tell whether a path is a file; a link in a loop of links is none.

    Parameters
    ----------
    path
        The path.

    Returns
    -------
    bool
        Whether it is a file, or a link to one.

    Raises
    ------
    InputError
        If its folder may not be read.
    """
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except PermissionError as error:
        raise InputError(
            f"{path} cannot be looked at ({error.strerror}): correct the permissions of its folder."
        ) from error
    except OSError:
        return False


def is_archive(path: Path) -> bool:
    """Tell whether a file is an archive by its name; archives are not read."""
    return path.suffix.lower() in ARCHIVE_SUFFIXES and path.is_file()


def walk_audio(folder: Path, suffixes: Collection[str] = AUDIO_SUFFIXES) -> Iterator[Path]:
    """Find the audio files below a folder, in sorted order.

    Symbolic links to folders are followed, each real folder once, so a loop of links ends.

    Parameters
    ----------
    folder
        Where to begin.
    suffixes
        Endings to look for, lower case; capitals match as well.

    Yields
    ------
    Path
        Files, sorted within a folder, a folder's own files before its subfolders'.

    Raises
    ------
    InputError
        If a folder cannot be read, or a name is not valid UTF-8.
    """

    def fail(error: OSError) -> None:
        raise InputError(
            f"Folder {error.filename} cannot be read ({error.strerror}): correct its permissions."
        ) from error

    seen: set[tuple[int, int]] = set()
    for parent, subfolders, files in os.walk(folder, onerror=fail, followlinks=True):
        status = Path(parent).stat()
        if (status.st_dev, status.st_ino) in seen:
            subfolders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        subfolders.sort()
        for name in sorted(files):
            if Path(name).suffix.lower() in suffixes and not name.startswith("._"):
                path = Path(parent, name)
                # Tables are UTF-8, and could not hold it.
                if not _is_unicode(str(path)):
                    raise InputError(f"{str(path)!a} is not valid UTF-8: rename the file.")
                yield path


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
