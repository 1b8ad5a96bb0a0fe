"""What a file is that is no audio, by its first bytes: so that the remedy is the right one."""

import os
from pathlib import Path

_REPLACE = "replace the file or leave it out."

# First bytes, in the order in which they are tried, and what the file is then.
_BEGINNINGS = (
    (
        b"version https://git-lfs.github.com/spec/",
        "it is a Git LFS pointer and not the recording itself: run `git lfs pull`.",
    ),
    (b"#EXTM3U", "it is a playlist, and what playlists name is not opened: name the recording."),
    (b"ffconcat", "it is a list for FFmpeg, and what it names is not opened: name the recordings."),
    (b"v=0", "it describes a stream (SDP), which is not opened: name a recording."),
    (b"<MPD", "it is a playlist (DASH), and what it names is not opened: name the recording."),
    (b"[playlist]", "it is a playlist, and what it names is not opened: name the recording."),
    (b"<", "it is a web page or XML, perhaps an error that was saved: download the file again."),
    (b"{", "it is JSON, perhaps an error that was saved: download the file again."),
    (b"PK\x03\x04", "it is a zip archive: unpack it."),
    (b"\x1f\x8b", "it is a gzip archive: unpack it."),
    (b"7z\xbc\xaf\x27\x1c", "it is a 7z archive: unpack it."),
    (b"Rar!", "it is a rar archive: unpack it."),
)
_LOOKED_AT = 4096


def remedy_for(path: Path) -> str:
    """Say what a file is that could not be decoded, as far as its beginning tells, and the remedy.

    Returns
    -------
    str
        The end of a message, after a colon.
    """
    try:
        # Not blocking: it may have become a pipe meanwhile, or be a log that waits for its end.
        with open(path, "rb", opener=_without_waiting) as file:
            beginning = file.read(_LOOKED_AT)
    except (OSError, ValueError):
        return _REPLACE
    if not beginning:
        return f"it is empty; {_REPLACE}"
    if not any(beginning):
        return f"it begins with {len(beginning):,} zero bytes, as after a failed copy; {_REPLACE}"
    text = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()
    if b"<MPD" in text[:1024]:
        text = b"<MPD"
    for start, meaning in _BEGINNINGS:
        if text.startswith(start):
            return meaning
    return _REPLACE


def _without_waiting(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NONBLOCK)
