"""The one error that users are meant to read."""


class InputError(ValueError):
    """Something the user gave cannot be used.

    The message is complete in itself: it names the file, the row or key, the value and the remedy,
    so callers show it alone, without a traceback.
    """
