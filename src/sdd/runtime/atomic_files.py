"""Writing files so that nothing half-written is ever left under its final name."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sdd.errors import InputError

FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
# How safetensors, torch and libsndfile tell it, whose errors carry no number.
FULL_DISK_WORDS = (
    "No space left on device",
    "Disk quota exceeded",
    "file write failed",
    "inline_container.cc",  # torch.save wrote less than it was given
)


@contextmanager
def atomic_path(target: Path | str, *, durable: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `target`; rename it to `target` when the block succeeds.

    The folder is created if missing. The temporary name is in it, so that the rename is atomic, and
    keeps the suffix of `target`, since many writers choose their format by it. If the block raises,
    the temporary file is removed and whatever stood at `target` before stays as it was.

    Parameters
    ----------
    durable
        Whether the content is on the disk before the name: after a power failure the name could
        else stand for an empty file, and what stood there before be gone. For what cost hours;
        thousands of small files would take minutes.

    Raises
    ------
    InputError
        If the disk is full, with what is free, or the file's place cannot be written.
    """
    target = Path(target)
    temporary = target.with_name(f".{target.stem}.{secrets.token_hex(8)}{target.suffix}")
    try:
        with _naming(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.touch(exist_ok=False)
        mode = temporary.stat().st_mode & 0o777
        yield temporary
        temporary.chmod(mode)  # safetensors makes files that only their owner may read
        if durable:
            _flush(temporary)
        with _naming(target):
            temporary.replace(target)
    except Exception as error:
        if _disk_is_full(error):
            raise InputError(_full_disk_message(target, temporary)) from error
        raise
    finally:
        with suppress(OSError):  # its folder may be what cannot be written, or no folder
            temporary.unlink()


@contextmanager
def _naming(target: Path) -> Iterator[None]:
    """Say of which file it is that a place cannot be written."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL_DISK:
            raise
        raise InputError(
            f"{target} cannot be written ({error.strerror}): correct what stands in its place or "
            "the permissions of its folder, or choose another."
        ) from error


def _flush(path: Path) -> None:
    """Wait until a file's content is on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _disk_is_full(error: Exception) -> bool:
    if isinstance(error, OSError) and error.errno in FULL_DISK:
        return True
    return any(words in str(error) for words in FULL_DISK_WORDS)


def _full_disk_message(target: Path, temporary: Path) -> str:
    written = temporary.stat().st_size if temporary.exists() else 0
    free = shutil.disk_usage(target.parent).free
    kept = "what stood there before is kept" if target.exists() else "nothing is left of it"
    return (
        f"{target}: no space left on the device or in the quota ({written / 1e9:.3f} GB were "
        f"written, {free / 1e9:.3f} GB are free); {kept}; free some space and run the same "
        "command again"
    )


def remove_if_empty(*folders: Path) -> None:
    """Remove folders that are empty, in this order; what is in use by others stays."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
