"""The one error that users are meant to read."""


class InputError(ValueError):
    """Something the user gave cannot be used.

    The message is complete in itself: it names the file, the row or key, the value and the remedy,
    so callers show it alone, without a traceback.
    """


def one_line(text: str) -> str:
    """Return a text with what is not printable escaped, as line ends within file names are."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
