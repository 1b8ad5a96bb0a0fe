"""Standard input, output and error of a command, also where they are closed, full or ASCII only."""

import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import TextIO

from sdd.errors import InputError

CLOSED_PIPE = 141
"""Exit status of a program whose reader has gone: 128 and SIGPIPE, as a shell shows it."""


def insist_on_utf8() -> None:
    """Start this program anew in Python's UTF-8 mode, if a locale has names of files otherwise.

    Names are bytes, and all that is written here is UTF-8: under another locale they would be read
    wrong, or not at all.
    """
    if sys.getfilesystemencoding() != "utf-8":
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def mend_streams() -> None:
    """Make the standard streams such that writing to them raises nothing but for a real reason.

    Files that are opened later must not take the number of a stream that is closed, or what
    libraries print would end up in them. Where a locale cannot show a letter it is escaped.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def require_output() -> TextIO:
    """Return standard output.

    Raises
    ------
    InputError
        If it is closed.
    """
    if sys.stdout is None:
        raise InputError(
            "Standard output is closed, so nothing can be shown: write to a file (-o)."
        )
    return sys.stdout


def write_out(text: str, *, as_utf8: bool = False) -> None:
    """Write to standard output, all of it.

    Parameters
    ----------
    as_utf8
        Whether what reads it is a program: in UTF-8 whatever the locale is, and line ends as they
        are.

    Raises
    ------
    BrokenPipeError
        If its reader has gone.
    InputError
        If it is closed, or cannot be written for another reason.
    """
    stream = require_output()
    try:
        if as_utf8:
            stream.flush()
            stream.buffer.write(text.encode())
        else:
            stream.write(text)
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError(f"Standard output cannot be written ({error.strerror}).") from error


def tell(text: str) -> None:
    """Write to standard error; if that cannot be, there is no one to tell."""
    with suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


def leave_streams() -> None:
    """Give up what could not be written: Python would try again when it ends, and complain."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            os.dup2(null, stream.fileno())
    os.close(null)
