"""Where a detector is that a user names: a file, a folder that holds one, or the hub."""

from pathlib import Path

from sdd.detector.checkpoints.download import HUB
from sdd.detector.checkpoints.hub import USUAL_FILE, fetch_from_hub


def is_on_hub(named: str | Path) -> bool:
    """Tell whether a name is an address on the hub."""
    return isinstance(named, str) and named.startswith(HUB)


def find_detector(named: str | Path) -> Path:
    """Return the file of a detector.

    Parameters
    ----------
    named
        A file; a folder with a `model.safetensors`, such as a cell's or an exported one; or
        ``hf://owner/name@revision[/file]``, which is fetched.

    Raises
    ------
    InputError
        As `fetch_from_hub`. Whether there is a file, its reader tells.
    """
    if isinstance(named, str) and is_on_hub(named):
        return fetch_from_hub(named)
    path = Path(named)
    within = path / USUAL_FILE
    return within if within.is_file() else path
