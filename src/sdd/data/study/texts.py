"""Texts that engines read: the subtitles of Fish Fillets, in a dozen languages."""

import re
from collections.abc import Mapping
from pathlib import Path

from sdd.errors import InputError

SHORTEST = 20
"""Letters of a text, at least."""
_DIALOGUE = re.compile(
    r'dialogId\("[^"]*",\s*"[^"]*",\s*"((?:[^"\\]|\\.)*)"\)\s*(?:dialogStr\("((?:[^"\\]|\\.)*)"\))?'
)


def read_texts(folders: Mapping[str, Path], language: str) -> list[str]:
    """Read the subtitles of a language, without repetitions, in the order of their rooms.

    They are Lua: ``dialogId(name, font, English)`` and, in other languages, ``dialogStr(text)``.

    Raises
    ------
    InputError
        If there are none.
    """
    scripts = folders["fillets-ng-data"] / "usr/share/games/fillets-ng/script"
    texts: dict[str, None] = {}
    # Czech has all of the originals, and English beside them.
    for path in sorted(scripts.rglob(f"dialogs_{'cs' if language == 'en' else language}.lua")):
        content = path.read_text(encoding="utf-8")
        for english, translated in _DIALOGUE.findall(content):
            text = _cleaned(english if language == "en" else translated)
            if len(text) >= SHORTEST:
                texts[text] = None
    if not texts:
        raise InputError(f"{scripts} has no texts in {language!r}: is fillets-ng-data unpacked?")
    return list(texts)


def _cleaned(text: str) -> str:
    plain = text.replace('\\"', '"').replace("\\n", " ").replace("\\", "")
    return re.sub(r"\s+", " ", plain).strip()
