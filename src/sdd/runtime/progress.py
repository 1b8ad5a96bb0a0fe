"""Progress bars of commands and jobs, on a terminal that nothing else draws on."""

import os
from collections.abc import Iterable
from typing import Any, Literal, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
HIDDEN = "TQDM_DISABLE"
"""Environment variable, tqdm's own: the calm screen sets it for its jobs."""


def progress_bar(**options: Any) -> "tqdm[None]":  # noqa: ANN401 (tqdm's: desc, total, ...)
    """Make a bar that is told by `update`; it shows itself on a terminal unless `HIDDEN` is set."""
    return tqdm(disable=_disable(), **options)


def with_progress(items: Iterable[Item], **options: Any) -> "tqdm[Item]":  # noqa: ANN401 (as above)
    """Go through items and show how far, where `progress_bar` would."""
    return tqdm(items, disable=_disable(), **options)


def _disable() -> Literal[True] | None:
    return None if os.environ.get(HIDDEN, "") in ("", "0") else True
