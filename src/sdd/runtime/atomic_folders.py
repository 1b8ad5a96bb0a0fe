"""Writing folders so that nothing half-written is ever left under their name."""

import os
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from sdd.errors import InputError, one_line
from sdd.runtime.outputs import check_folder


def check_new_folder(target: Path, *, overwrite: bool = False) -> None:
    """Find out, before the work, whether a folder can be written as a whole.

    Parameters
    ----------
    overwrite
        Whether it may be there with something in it.

    Raises
    ------
    InputError
        If it holds something, a file is in its place, or it cannot be made.
    """
    check_folder(target)
    if not overwrite and target.is_dir() and any(target.iterdir()):
        raise InputError(
            f"{one_line(str(target))} is there and not empty: name a new folder, or give "
            "--overwrite to write its files anew (others in it stay)."
        )


@contextmanager
def atomic_folder(
    target: Path, names: Collection[str], *, overwrite: bool = False
) -> Iterator[Path]:
    """Yield a temporary folder beside `target`, which takes its name when the block succeeds.

    If the block raises, nothing is left of it, and what was there stays as it was.

    Parameters
    ----------
    names
        Of the files that may be written. In a folder that is overwritten they are replaced, or
        deleted where they are not written anew; all else there, such as `.git`, stays.
    overwrite
        As for `check_new_folder`.

    Raises
    ------
    InputError
        As `check_new_folder`.
    """
    check_new_folder(target, overwrite=overwrite)
    target = target.absolute()
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        written = {path.name for path in temporary.iterdir()}
        if extra := written - set(names):
            raise AssertionError(f"{sorted(extra)} are not among the names to be written")
        if target.is_dir() and any(target.iterdir()):
            _move_into(temporary, target, written, set(names) - written)
        else:
            # Takes the place of an empty folder, too.
            os.replace(temporary, target)  # noqa: PTH105 (Path.replace is for files by its words)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _move_into(folder: Path, target: Path, names: Collection[str], stale: Collection[str]) -> None:
    """Move whole files over those of before: renames, which take no time to speak of."""
    for name in sorted(stale):
        (target / name).unlink(missing_ok=True)
    for name in sorted(names):
        (folder / name).replace(target / name)
