"""Types of arguments: what a user may give, or argparse's error in words of ours."""

import argparse
import math
import re
from pathlib import Path


def text(given: str) -> str:
    """Return a text that is not empty."""
    if not given.strip():
        raise argparse.ArgumentTypeError("it is empty; is a variable of the shell not set?")
    return given


def path(given: str) -> Path:
    """Return a path that is not empty."""
    # Of an empty name Path would make the folder that one is in.
    return Path(text(given))


def repository(given: str) -> str:
    """Return the name of a repository on the hub."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", given, re.ASCII):
        raise argparse.ArgumentTypeError(f"{given!r} is no OWNER/NAME of a repository")
    return given


def number(given: str) -> float:
    """Return a number."""
    try:
        return float(given)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{given!r} is no number") from None


def positive(given: str) -> float:
    """Return a number above 0."""
    value = number(given)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{given} is not above 0")
    return value


def share(given: str) -> float:
    """Return a number between 0 and 1, neither of them."""
    value = number(given)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{given} is not between 0 and 1")
    return value


def whole(given: str, least: int) -> int:
    """Return a whole number of at least `least`."""
    value = number(given)
    if not math.isfinite(value) or value != int(value) or value < least:
        raise argparse.ArgumentTypeError(f"{given} is no whole number of at least {least}")
    return int(value)


def count(given: str) -> int:
    """Return a whole number from 0."""
    return whole(given, 0)


def at_least_one(given: str) -> int:
    """Return a whole number from 1."""
    return whole(given, 1)
