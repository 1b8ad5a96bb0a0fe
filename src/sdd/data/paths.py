"""Where audio files are: paths as protocols write them, and what is there."""

import os
import stat
from pathlib import Path

from sdd.errors import InputError

ROOT_PREFIX = "$ROOT/"
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar")


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
        # Without further slashes: what follows them would be taken for a path from the top.
        return Path(root) / path.removeprefix(ROOT_PREFIX).lstrip("/")
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
    return stat.S_ISREG(_mode(path))


def is_folder(path: Path) -> bool:
    """Tell whether a path is a folder, or a link to one.

    Raises
    ------
    InputError
        If the folder that it is in may not be read.
    """
    return stat.S_ISDIR(_mode(path))


def is_special(path: Path) -> bool:
    """Tell whether there is a pipe, a socket or a device; to open one may never return.

    Raises
    ------
    InputError
        If its folder may not be read.
    """
    mode = _mode(path)
    return mode != 0 and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def refuse_special(path: Path) -> None:
    """Refuse to open what is no ordinary file.

    Raises
    ------
    InputError
        If it is a pipe, a socket or a device, or its folder may not be read.
    """
    if is_special(path):
        raise InputError(
            f"{path} is no ordinary file, but a pipe, a socket or a device: write it to a file."
        )


def file_identity(path: Path) -> object:
    """Return what all names of one file have in common, links and hard links to it included.

    The path itself where there is no such file.
    """
    try:
        found = os.stat(path)  # noqa: PTH116  # a path too long or closed is no matter here
    except (OSError, ValueError):
        return path
    # Some network and user file systems number nothing.
    return (found.st_dev, found.st_ino) if found.st_ino else os.path.realpath(path)


def _mode(path: Path) -> int:
    """Return what kind of file is at a path, 0 if there is none."""
    try:
        return path.stat().st_mode
    except PermissionError as error:
        raise InputError(
            f"{path} cannot be looked at ({error.strerror}): correct the permissions of its folder."
        ) from error
    except (OSError, ValueError):  # ValueError: a NUL in the name, which no file has
        return 0


def is_archive(path: Path) -> bool:
    """Tell whether a file is an archive by its name; archives are not read."""
    return path.suffix.lower() in ARCHIVE_SUFFIXES and is_file(path)
