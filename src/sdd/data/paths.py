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

    That is `$ROOT/...` if the file lies below the data root (symbolic links are not followed), else
    its absolute path.
    """
    absolute, base = Path(os.path.abspath(path)), Path(os.path.abspath(root))  # noqa: PTH100
    if absolute.is_relative_to(base):
        return ROOT_PREFIX + absolute.relative_to(base).as_posix()
    return str(absolute)


def resolve_path(path: str, root: Path, folder: Path | None = None) -> Path:
    """Return the file that the `Path` of a protocol row means; it need not exist.

    Parameters
    ----------
    path
        `$ROOT/...`, an absolute path, or, where `folder` is given, one relative to it.
    root
        The data root that `$ROOT` stands for.

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
    """Tell whether a path is a file, or a link to one; a link in a loop of links is none.

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
    """Yield the audio files below a folder: sorted, its own before those of its subfolders.

    Symbolic links to folders are followed, each real folder once, so a loop of links ends.
    `suffixes` are in lower case; capitals match as well.

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
