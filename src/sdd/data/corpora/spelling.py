"""Names in tables and on disk that are the same letters in other bytes.

An accented letter is one character (Unicode's form NFC, as most tables) or a letter and its accent
(NFD, as copies from macOS): nobody sees the difference, and Linux takes them for two names.
"""

from pathlib import Path
from unicodedata import is_normalized, normalize

from sdd.errors import InputError


class NamesOnDisk:
    """The names in folders, read once for a whole table."""

    def __init__(self) -> None:
        self._spellings: dict[Path, dict[str, tuple[str, ...]]] = {}

    def find(self, path: Path) -> Path:
        """Return a path in the spelling that the disk has, where it differs in NFC and NFD only.

        A path that is there, or not there in any spelling, is returned as it is.

        Raises
        ------
        InputError
            If two files are spelled like it, neither exactly so.
        """
        # Letters of ASCII have one spelling: most corpora have no others, and cost no look here.
        if str(path).isascii() or _exists(path):
            return path
        found = Path(path.anchor or ".")
        for part in path.parts[1:] if path.anchor else path.parts:
            if part.isascii() or _exists(found / part):
                found /= part
                continue
            spellings = self._names(found).get(normalize("NFC", part), ())
            if not spellings:
                return path
            if len(spellings) > 1:
                raise InputError(
                    f"{path}: {found} has {len(spellings)} entries spelled like {part!r}, with "
                    "accents as letters of their own and without: "
                    f"{', '.join(map(ascii, spellings))}; rename one."
                )
            found /= spellings[0]
        return found

    def _names(self, folder: Path) -> dict[str, tuple[str, ...]]:
        """Return the names in a folder that are not ASCII, by their NFC."""
        if folder not in self._spellings:
            spellings: dict[str, tuple[str, ...]] = {}
            for name in _names_in(folder):
                key = name if is_normalized("NFC", name) else normalize("NFC", name)
                spellings[key] = (*spellings.get(key, ()), name)
            self._spellings[folder] = spellings
        return self._spellings[folder]


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name too long, a loop of links, a closed folder: told when it is read
        return False


def _names_in(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir() if not entry.name.isascii()]
    except OSError:
        return []
