"""Whether a file can be written, found out before the work that makes it."""

import errno
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from sdd.errors import InputError, one_line

STANDARD_OUTPUT = Path("-")
"""What a user writes for it, where a file could be named."""
# Enough that a full disk or quota shows, which takes an empty file without a word.
_TRIAL_BYTES = bytes(64 * 1024)


def check_output(
    output: Path, *, suffixes: Sequence[str] = (), inputs: Iterable[Path] = ()
) -> None:
    """Find out whether a file can be written, by writing another one to where it will be.

    Parameters
    ----------
    suffixes
        What its name may end in, in lower case; capitals match as well, and nothing allows all.
    inputs
        Files that are read, and may not be written over.

    Raises
    ------
    InputError
        If it is a folder, a device or an input, its name says another format, its folder is a file
        or cannot be made or written, or there is no space left.
    """
    name = one_line(str(output))
    if os.path.isdir(output):  # noqa: PTH112 (which raises where a folder is closed)
        raise InputError(f"{name} is a folder: name a file to write, such as {name}/scores.csv.")
    if _is_too_long(output):
        raise InputError(f"{name} cannot be written (File name too long): choose a shorter one.")
    if _exists(output) and not output.is_file():
        raise InputError(
            f"{name} is no ordinary file, but a pipe or a device: name a file to write, or - for "
            "standard output."
        )
    if suffixes and output.suffix.lower() not in suffixes:
        raise InputError(
            f"{name} cannot be written: its name must end in {' or '.join(suffixes)}, which is "
            "what is written."
        )
    for path in inputs:
        if _same(path, output):
            raise InputError(f"{name} is read and would be written over: name another output.")
    _try_folder(output)


def check_folder(folder: Path) -> None:
    """Find out, without writing, whether a folder is there or can be made, and be written to.

    Raises
    ------
    InputError
        If a file is in its place or that of a folder above it, or permissions forbid it.
    """
    there = next(place for place in (folder, *folder.absolute().parents) if os.path.lexists(place))
    if not there.is_dir():
        raise InputError(
            f"{there} is no folder, so {folder} cannot be written: move it away, or choose another "
            "place."
        )
    if not os.access(there, os.W_OK | os.X_OK, effective_ids=True):
        raise InputError(
            f"Folder {there} cannot be written: correct its permissions, or choose another place."
        )


def check_scratch() -> None:
    """Find out whether temporary files can be written.

    Raises
    ------
    InputError
        If there is no folder for them, or no space left.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="sdd-") as folder:
            Path(folder, "trial").write_bytes(_TRIAL_BYTES)
    except OSError as error:
        raise InputError(
            f"Temporary files cannot be written ({error.strerror}): set TMPDIR to a folder on a "
            "disk with space."
        ) from error


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True


def _is_too_long(path: Path) -> bool:
    """Tell whether no file can have a name: of its own length, or with all folders before it."""
    try:
        path.stat()
    except OSError as error:
        return error.errno == errno.ENAMETOOLONG
    return False


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there
        return os.path.realpath(one) == os.path.realpath(other)


def _try_folder(output: Path) -> None:
    """Write to the folder of a file, or to the nearest above it that is there."""
    folder = next(parent for parent in output.absolute().parents if _exists(parent))
    try:
        # Made and deleted again: what permissions say does not hold for root, nor on all disks.
        # Its name is as long as that of `atomic_path`.
        prefix = f".{10 * 't'}"
        with tempfile.NamedTemporaryFile(dir=folder, prefix=prefix, suffix=output.name) as trial:
            trial.write(_TRIAL_BYTES)
            trial.flush()
    except OSError as error:
        raise InputError(
            one_line(
                f"{output} cannot be written ({folder}: {error.strerror}): choose another place, "
                "or make room and correct permissions there."
            )
        ) from error
