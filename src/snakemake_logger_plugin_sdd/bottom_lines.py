"""Lines that stay at the bottom of a terminal while everything else scrolls above them.

Programs that a run starts write to the same terminal, at any moment. The margins of the scrolling
region (DECSTBM of the VT100, which apt uses for the same purpose) keep what they write out of these
lines, so that nothing is drawn over.
"""

import os
from collections.abc import Callable, Sequence
from typing import IO

_SAVE, _RESTORE, _DOWN = "\x1b7", "\x1b8", "\x1bD"
_ALL_LINES = "\x1b[r"


class BottomLines:
    """Lines at the bottom of a terminal.

    Parameters
    ----------
    size
        Asked before each drawing: columns and lines of the terminal.
    """

    def __init__(self, stream: IO[str], size: Callable[[], os.terminal_size]) -> None:
        self._stream, self._size = stream, size
        self._height = 0
        self._reserved_in: os.terminal_size | None = None

    def show(self, lines: Sequence[str]) -> None:
        """Draw lines, each of which fits the terminal's width; more of them than before find room.

        Fewer leave empty lines, so that what is above does not jump.
        """
        size = self._size()
        text = self._reserve(max(len(lines), self._height), size)
        first = size.lines - self._height + 1
        padded = [*lines, *[""] * (self._height - len(lines))]
        drawn = "".join(f"\x1b[{first + at};1H\x1b[2K{line}" for at, line in enumerate(padded))
        # In one piece: another program's text must not come between saving and restoring.
        self._write(text + _SAVE + drawn + _RESTORE)

    def clear(self) -> None:
        """Erase the lines, and hand all of the terminal back."""
        if not self._height or self._reserved_in is None:
            return
        first = self._reserved_in.lines - self._height + 1
        erased = "".join(f"\x1b[{first + at};1H\x1b[2K" for at in range(self._height))
        self._write(_SAVE + _ALL_LINES + erased + _RESTORE)
        self._height, self._reserved_in = 0, None

    def _reserve(self, height: int, size: os.terminal_size) -> str:
        """Return what keeps so many lines free; nothing where they are."""
        if (height, size) == (self._height, self._reserved_in):
            return ""
        text, more = "", height - self._height
        if self._reserved_in not in (None, size):
            # Where the old lines are now is not known; the margins are set anew.
            text, more = _SAVE + _ALL_LINES + _RESTORE, height
        self._height, self._reserved_in = height, size
        # What stands there moves up. Setting margins moves the cursor: hence saved and restored.
        return (
            f"{text}{_DOWN * more}"
            + (f"\x1b[{more}A" if more else "")
            + f"{_SAVE}\x1b[1;{size.lines - height}r{_RESTORE}"
        )

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
