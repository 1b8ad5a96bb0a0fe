"""Writing files so that nothing half-written is ever left under its final name."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(target: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `target`; rename it to `target` when the block succeeds.

    The folder is created if missing. The temporary name keeps the suffix of `target`, since many
    writers choose their format by it. If the block raises, the temporary file is removed and
    whatever stood at `target` before stays as it was.

    Parameters
    ----------
    target
        The final name.

    Yields
    ------
    Path
        A name in the same folder, so that the rename is atomic.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.stem}.{secrets.token_hex(8)}{target.suffix}")
    temporary.touch(exist_ok=False)
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
