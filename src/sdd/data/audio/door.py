"""The one door to audio files: every header and every sample is read through it.

What is opened is the local file that was named and nothing else, whatever its name or content:
libraries get a file that is open already, never a name that they could take for an address or a
list, and FFmpeg neither reads formats that point elsewhere nor opens anything by itself. And
whatever exception a library raises, what leaves is an InputError: this file, this reason.
"""

import io
import math
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdd.data.audio import SAMPLE_RATE
from sdd.data.audio.content import remedy_for
from sdd.errors import InputError

RATES = (4_000, 768_000)
"""Lowest and highest sample rate that is read, in Hz."""
MOST_CHANNELS = 64
# Of a rate without its common divisor with 16 kHz: the filter of resampling has 12 times as many
# values, and some of them lie in memory at a time.
_MOST_REDUCED = 200_000

# FFmpeg's demuxers of self-contained files that hold sound. Playlists, scripts, sequences of
# pictures, devices and addresses are not among them.
_FORMATS = (
    *("aac", "ac3", "aiff", "amr", "amrnb", "amrwb", "ape", "asf", "au", "avi", "caf", "dsf"),
    *("dts", "eac3", "flac", "flv", "gsm", "iff", "ircam", "loas", "matroska", "mov", "mp3"),
    *("mpc", "mpc8", "mpeg", "mpegts", "mxf", "nistsphere", "nut", "ogg", "oma", "qcp", "rm"),
    *("sox", "tak", "tta", "voc", "w64", "wav", "wv", "xwma"),
)
# An empty list would allow all protocols: this is the name of none.
_NO_PROTOCOL = "none"
_BUFFER = 1 << 16
# To find out what is in a file; one of hundreds of thousands of tiny parts would last minutes.
_MOST_SEEKS = 200_000

DECODING_IMPORTS = ("numpy", "soundfile", "av")
"""Of processes that decode, imported once for all of them, and for those that follow a dead one."""


@dataclass(frozen=True)
class Mended:
    """What is read instead of a file as it is, whose header is wrong.

    Attributes
    ----------
    patches
        Bytes to read instead of the file's, by their place.
    end
        Place where the file ends for who reads it; None for its own end.
    """

    patches: Mapping[int, bytes] = field(default_factory=dict)
    end: int | None = None


class UndecodableError(InputError):
    """A library could not read a file, whatever it raised."""


@contextmanager
def reading(
    path: Path, problem: str = "cannot be decoded", remedy: str | None = None
) -> Iterator[None]:
    """Turn any exception of a library in the block into an `UndecodableError` that names the file.

    InputError passes as it is. So does Python's MemoryError: the machine may be short of memory,
    not the file at fault. KeyboardInterrupt, SystemExit and the end of a generator are no
    `Exception`.

    Parameters
    ----------
    problem, remedy
        The message around the library's reason; without a remedy, what the file's content suggests.
    """
    try:
        yield
    except InputError:
        raise
    except MemoryError as error:
        if type(error) is MemoryError:
            raise
        # A library's own, such as FFmpeg's: it was asked for more than there can be.
        raise UndecodableError(
            f"{path} {problem} (it needs more memory than there is): its header is damaged; "
            "replace the file, or use fewer workers."
        ) from error
    # The only place that takes everything: what FFmpeg, libsndfile and their bindings raise on
    # broken files is not documented (UnicodeDecodeError, ZeroDivisionError, SystemError, ...).
    except Exception as error:
        advice = remedy_for(path) if remedy is None else remedy
        raise UndecodableError(f"{path} {problem} ({_reason(error)}): {advice}") from error


def died(path: Path, error: Exception) -> str:
    """Word the end of a process that was reading a file, with the remedy."""
    return (
        f"{path} cannot be decoded ({error}): convert it to WAV or FLAC, or replace the file; "
        "if memory is short, use fewer workers."
    )


def _reason(error: Exception) -> str:
    """Word an exception without the names that libraries gave to what we opened for them."""
    text = getattr(error, "strerror", None) or getattr(error, "error_string", None) or str(error)
    return f"{text or type(error).__name__}".strip().rstrip(".")


def open_local(path: Path) -> io.FileIO:
    """Open a regular file for reading, or a link to one.

    Raises
    ------
    InputError
        If it is missing, may not be read, or is a folder, pipe, socket or device.
    """
    try:
        # Not blocking: a pipe that nobody writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{path} is missing.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path} cannot be opened ({reason}).") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(f"{path} is no regular file: name a recording.")
    return io.FileIO(descriptor, "rb")


@contextmanager
def open_sound(
    path: Path,
    *,
    forward: bool = False,
    mended: Mended | None = None,
    form: Mapping[str, Any] | None = None,
) -> Iterator[Any]:
    """Open a file with libsndfile; the block gets a `soundfile.SoundFile`.

    Parameters
    ----------
    forward
        It is read from beginning to end, and never sought: soundfile seeks to the present position
        after each read of a file that says it is seekable, and the mp3 decoder then restarts
        without the bits that earlier frames hold for it: a click of up to some per cent of full
        scale between one block and the next.
    mended
        What is read instead of its header, where that was never finished.
    form
        Of a file that has no header: arguments of `soundfile.SoundFile`.
    """
    # Only here: benchmarks/gpu.py trains on audio in no file, on machines without soundfile.
    import soundfile

    with open_local(path) as file:
        # Not closed by libsndfile, which closes it or not, as the error may be.
        source = _MendedFile(file, mended) if mended else file.fileno()
        with soundfile.SoundFile(source, closefd=False, **(form or {})) as sound:
            if forward:
                sound.seekable = lambda: False
            yield sound


@contextmanager
def open_container(path: Path, *, mended: Mended | None = None) -> Iterator[Any]:
    """Open a file with FFmpeg; the block gets a PyAV container.

    Parameters
    ----------
    mended
        As of `open_sound`.
    """
    import av  # only few files need it

    options = {"format_whitelist": ",".join(_FORMATS), "protocol_whitelist": _NO_PROTOCOL}
    # Tags of older programs are not UTF-8. From PyAV 19 on it replaces what it cannot read itself.
    is_strict = int(av.__version__.split(".")[0]) < 19
    tags: dict[str, Any] = {"metadata_errors": "replace"} if is_strict else {}
    with (
        open_local(path) as file,
        av.open(
            source := _Nameless(_MendedFile(file, mended) if mended else file),
            options=options,
            buffer_size=_BUFFER,
            io_open=_refuse,
            **tags,
        ) as container,
    ):
        source.seeks_left = math.inf
        yield container


def check_format(path: Path, rate: int | None, channels: int | None) -> None:
    """Refuse sample rates and numbers of channels that no recording has.

    Raises
    ------
    InputError
        With what is accepted.
    """
    low, high = RATES
    if not low <= (rate or 0) <= high:
        raise InputError(
            f"{path} states a sample rate of {rate or 0:,} Hz, and {low:,} to {high:,} Hz can be "
            "read: its header is damaged, or it is no recording."
        )
    reduced = (rate or 0) // math.gcd(rate or 0, SAMPLE_RATE)
    if reduced > _MOST_REDUCED:
        raise InputError(
            f"{path} has a sample rate of {rate:,} Hz, and {SAMPLE_RATE:,} Hz is wanted: the ratio "
            f"is {reduced:,} to {SAMPLE_RATE * reduced // (rate or 1):,}, and at most "
            f"{_MOST_REDUCED:,} can be resampled. Convert it to a usual rate."
        )
    if not 1 <= (channels or 0) <= MOST_CHANNELS:
        raise InputError(
            f"{path} states {channels or 0:,} channels, and 1 to {MOST_CHANNELS} can be read: its "
            "header is damaged, or it is no recording."
        )


def _refuse(url: str, _flags: int, _options: object) -> None:
    """Open nothing for FFmpeg, whatever a file points to."""
    raise InputError(f"It points to {url!r}, which is not opened")


class _Nameless:
    """An open file without its name, from which FFmpeg would guess formats and sequences."""

    def __init__(self, file: io.RawIOBase) -> None:
        self.read, self.tell = file.read, file.tell
        self._seek = file.seek
        self.seeks_left: float = _MOST_SEEKS

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to where a file says, which may be nowhere; PyAV would print an exception."""
        if self.seeks_left <= 0:
            return -1
        self.seeks_left -= 1
        try:
            return self._seek(offset, whence)
        except (OSError, OverflowError):
            return -1


class _MendedFile(io.RawIOBase):
    """A file some of whose bytes are read as others, and which may end earlier."""

    def __init__(self, file: io.FileIO, mended: Mended) -> None:
        self._file, self._mended = file, mended

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END and self._mended.end is not None:
            return self._file.seek(self._mended.end + offset)
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 (any writable buffer)
        start = self._file.tell()
        view = memoryview(buffer).cast("B")
        if self._mended.end is not None:
            view = view[: max(0, self._mended.end - start)]
        count = self._file.readinto(view) or 0
        for place, patch in self._mended.patches.items():
            first, last = max(place, start), min(place + len(patch), start + count)
            if first < last:
                view[first - start : last - start] = patch[first - place : last - place]
        return count
