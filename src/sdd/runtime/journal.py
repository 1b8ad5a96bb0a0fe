"""A journal of work done, so that a killed run goes on where it was.

One line of JSON an entry, ``[key, value]``. Entries are appended as work is done, and the last one
of a key counts; the line that was being written when a run was killed is ignored.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from sdd.runtime.atomic_files import atomic_path


@dataclass(frozen=True)
class Journal:
    """A journal; its file need not exist."""

    path: Path

    def read(self) -> dict[str, Any]:
        """Return what was done, by key."""
        entries: dict[str, Any] = {}
        if self.path.is_file():
            for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
                if (entry := _parsed(line)) is not None:
                    entries[entry[0]] = entry[1]
        return entries

    def write(self, entries: Mapping[str, Any]) -> None:
        """Write the whole journal anew, sorted, so that it does not tell how work was divided."""
        with atomic_path(self.path) as temporary, temporary.open("w", encoding="utf-8") as file:
            file.writelines(_line(key, entries[key]) for key in sorted(entries))

    @contextmanager
    def appending(self) -> Iterator["Appender"]:
        """Open the journal for more entries."""
        with self.path.open("a", encoding="utf-8") as file:
            yield Appender(file)


@dataclass(frozen=True)
class Appender:
    """A journal that is open for more entries."""

    file: TextIO

    def add(self, key: str, value: Any) -> None:  # noqa: ANN401 (whatever JSON holds)
        """Enter what was done, so that it outlives this process."""
        self.file.write(_line(key, value))
        self.file.flush()


def _line(key: str, value: Any) -> str:  # noqa: ANN401
    return json.dumps([key, value]) + "\n"


def _parsed(line: str) -> tuple[str, Any] | None:
    """Read a line; None if it is no entry."""
    try:
        entry = json.loads(line)
    except json.JSONDecodeError:
        return None
    if isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str):
        return entry[0], entry[1]
    return None
